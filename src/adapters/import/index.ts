import type { ImportFormat, ImportReader, ParsedImport } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'

export type ImportRequest = Readonly<{
  owner: UserId
  format: ImportFormat
  bytes: Uint8Array<ArrayBuffer>
}>

export type ImportResponse =
  | Readonly<{ parsed: ParsedImport }>
  | Readonly<{ unreadable: string }>
  | Readonly<{ error: Error }>

const DEADLINE_MS = 8000

/** Reads each file in a thread of its own, so that none holds up the event loop. */
export const importReader =
  ({ deadline = DEADLINE_MS } = {}): ImportReader =>
  async (owner, format, bytes) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { ref: false })
    const { promise, resolve, reject } = Promise.withResolvers<ImportResponse>()
    const timer = setTimeout(
      () => resolve({ unreadable: 'The file takes too long to read. Split it.' }),
      deadline,
    )
    worker.onmessage = ({ data }: MessageEvent<ImportResponse>) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    try {
      const own = new Uint8Array(bytes)
      worker.postMessage({ owner, format, bytes: own } satisfies ImportRequest, [own.buffer])
      const response = await promise
      if ('parsed' in response) return response.parsed
      if ('error' in response) throw response.error
      throw new DomainError('invalid', response.unreadable)
    } finally {
      clearTimeout(timer)
      worker.terminate()
    }
  }
