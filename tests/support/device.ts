import { type Task, TaskportError, taskport } from '../../client/index.ts'
import type { Change } from '../../src/domain/change.ts'
import type { Http } from './http.ts'

export type Fault = 'request' | 'answer' | 'impatience'

export type Action = Readonly<{
  op: 'create' | 'update' | 'toggle' | 'delete' | 'batch' | 'disconnect'
  /** Which of the tasks in the copy. */
  pick: number
  /** Whether only if the task is as the copy has it. */
  careful: boolean
  faults: readonly Fault[]
}>

let titles = 0

/** Milliseconds. */
const SILENCE = 5000

/** A client of the server with a copy of one user's tasks, that works down a list of actions. */
export const device = (http: Http, user: string, actions: readonly Action[]) => {
  const copy = new Map<string, Task>()
  const disorder: string[] = []
  const stop = new AbortController()
  let faults: Fault[] = []
  let connection = new AbortController()
  let reached = 0
  let news = Promise.withResolvers<void>()

  const handle = (url: string, init: RequestInit): Promise<Response> =>
    http.handle(new Request(url, init))

  const send = async (url: string, init: RequestInit): Promise<Response> => {
    if (url.includes('/api/events')) return breakable(await handle(url, init), connection.signal)
    const fault = init.method === 'GET' ? undefined : faults.shift()
    if (fault === 'request') throw new TypeError('The request was lost.')
    const answer = handle(url, init)
    if (fault === 'impatience') {
      await Promise.resolve()
      throw new TypeError('The answer was not waited for.')
    }
    if (fault === 'answer') {
      await answer
      throw new TypeError('The answer was lost.')
    }
    return answer
  }
  const client = taskport({ url: 'http://localhost', token: () => user, fetch: send, pause: 1 })

  const following = (async () => {
    for await (const { changes, cursor, reset } of client.follow({ signal: stop.signal })) {
      if (reset) {
        copy.clear()
        reached = 0
      }
      for (const change of changes) {
        if (change.revision <= reached) disorder.push(`${change.revision} after ${reached}`)
        reached = change.revision
        if (change.op === 'upsert') copy.set(change.task.id, change.task)
        else copy.delete(change.id)
      }
      reached = Math.max(reached, Number(cursor.split('.')[0]))
      news.resolve()
      news = Promise.withResolvers()
    }
  })()
  following.catch(() => {})

  const upsert = (task: Task): Change => ({ op: 'upsert', revision: task.revision, task })
  const title = (): string => `title ${++titles}`

  const perform = async ({ op, pick, careful }: Action): Promise<readonly Change[]> => {
    const task = [...copy.values()][pick % Math.max(copy.size, 1)]
    if (op === 'create' || (!task && op !== 'disconnect')) {
      return [upsert(await client.create({ title: title() }))]
    }
    if (op === 'disconnect' || !task) {
      connection.abort()
      connection = new AbortController()
      return []
    }
    const ifMatch = careful ? { ifMatch: task } : {}
    if (op === 'update') return [upsert(await client.update(task.id, { title: title() }, ifMatch))]
    if (op === 'toggle') return [upsert(await client.complete(task.id, !task.completed, ifMatch))]
    const [removal] = await client
      .batch([
        { op: 'delete', id: task.id, ...(careful && { if_match: task.revision }) },
        ...(op === 'batch'
          ? [
              { op: 'create', body: { title: title() } } as const,
              { op: 'create', body: { title: title() } } as const,
            ]
          : []),
      ])
      .then((changes) => [changes])
    return removal ?? []
  }

  return {
    /** Answers every change that was acknowledged. Others may have been faster with the same task. */
    act: async (): Promise<Change[]> => {
      const acknowledged: Change[] = []
      for (const action of actions) {
        faults = [...action.faults]
        try {
          acknowledged.push(...(await perform(action)))
        } catch (error) {
          const expected = error instanceof TaskportError && [404, 412].includes(error.status)
          if (!expected) throw error
        }
      }
      return acknowledged
    },

    /** The copy, once it has followed the changes up to a revision, or hears of nothing any more. */
    copyAt: async (revision: number): Promise<Task[]> => {
      const { promise: silence, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, SILENCE)
      while (reached < revision) {
        const over = await Promise.race([news.promise, following, silence.then(() => true)])
        if (over) break
      }
      clearTimeout(timer)
      return [...copy.values()]
    },

    outOfOrder: () => disorder,
    close: () => stop.abort(),
  }
}

/** The same answer, whose body ends in the middle when `signal` is aborted. */
const breakable = (response: Response, signal: AbortSignal): Response => {
  const reader = response.body?.getReader()
  if (!reader) return response
  const body = new ReadableStream({
    start: (controller) => {
      signal.addEventListener('abort', () => {
        reader.cancel().catch(() => {})
        controller.error(new TypeError('The connection was lost.'))
      })
    },
    pull: async (controller) => {
      const { done, value } = await reader.read()
      if (signal.aborted) return
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: () => reader.cancel(),
  })
  return new Response(body, { status: response.status, headers: response.headers })
}
