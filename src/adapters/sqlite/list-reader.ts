import type { Page } from '../../application/ports.ts'
import type { LongRead } from '../../application/tasks/long-lists.ts'
import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'
import type { Version } from '../../domain/version.ts'

export type ListQuery = Readonly<{ owner: UserId; query: TaskQuery; page: Page }>

/** Chunks come first. */
export type ReaderMessage =
  | Readonly<{ chunk: Uint8Array<ArrayBuffer> }>
  | Readonly<{ count: number; version: Version }>
  | Readonly<{ error: Error }>

/** Reads one list at a time in a thread of its own, and sees all that was committed before. */
export type ListReader = Readonly<{
  read(list: ListQuery): Promise<LongRead>
  close(): void
}>

const DEADLINE_MS = 8000

/** The thread begins with the first list; another takes the place of one that fails. */
export const listReader = (path: string, thread = './list-reader-worker.ts'): ListReader => {
  let worker: Worker | undefined

  const start = (): Worker => {
    const started = new Worker(new URL(thread, import.meta.url), { smol: true, ref: false })
    started.postMessage(path)
    return started
  }

  const stop = (): void => {
    worker?.terminate()
    worker = undefined
  }

  const read = (list: ListQuery): Promise<LongRead> => {
    worker ??= start()
    const reading = worker
    const chunks: Uint8Array[] = []
    const { promise, resolve, reject } = Promise.withResolvers<LongRead>()
    const fail = (cause: unknown): void => {
      if (worker === reading) stop()
      reject(unavailable(cause))
    }
    const timer = setTimeout(() => fail('deadline exceeded'), DEADLINE_MS)
    const listening = new AbortController()
    const { signal } = listening
    reading.addEventListener(
      'message',
      ({ data }: MessageEvent<ReaderMessage>) => {
        if ('chunk' in data) chunks.push(data.chunk)
        else if ('error' in data) fail(data.error)
        else resolve({ ...data, chunks })
      },
      { signal },
    )
    reading.addEventListener('error', ({ message }) => fail(message), { signal })
    reading.addEventListener('close', () => fail('the thread has ended'), { signal })
    reading.postMessage(list)
    return promise.finally(() => {
      clearTimeout(timer)
      listening.abort()
    })
  }

  return { read, close: stop }
}

const unavailable = (cause: unknown): DomainError =>
  new DomainError('unavailable', 'The list cannot be read right now. Try again.', { cause })
