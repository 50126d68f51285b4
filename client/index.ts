import type { Change } from '../src/domain/change.ts'
import type { Task, TaskDraft, TaskPatch } from '../src/domain/task.ts'
import type { TaskQueryInput } from '../src/domain/task-query.ts'
import { type Following, follow } from './follow.ts'
import { type Connection, type RequestOptions, requester } from './request.ts'

export { TaskportError } from './request.ts'
export type { Change, Connection, Following, RequestOptions, Task, TaskDraft, TaskPatch }

/** A revision that a change is wanted on, or the task as it was seen. */
export type Seen = number | Pick<Task, 'revision'>

export type WriteOptions = RequestOptions &
  Readonly<{
    /** Refuses the change with status 412 when the task has changed since. */
    ifMatch?: Seen
  }>

export type BatchOperation =
  | Readonly<{ op: 'create'; body: TaskDraft }>
  | Readonly<{ op: 'update'; id: string; if_match?: number; body: TaskPatch }>
  | Readonly<{ op: 'complete'; id: string; if_match?: number; body?: { completed?: boolean } }>
  | Readonly<{ op: 'delete'; id: string; if_match?: number }>

/** What `GET /api/changes` answers. */
export type ChangesAnswer = Readonly<{
  changes: readonly Change[]
  revision: number
  cursor: string
  has_more: boolean
}>

export type TaskportClient = ReturnType<typeof taskport>

/**
 * Talks to a Taskport server, from browsers, Bun and Node. Every write carries an idempotency key of
 * its own, so it is sent again after a network error or a 503 without doing anything twice. Throws
 * `TaskportError` for every answer that is no success.
 */
export const taskport = (connection: Connection) => {
  const request = requester(connection)
  const write = async <Answer>(
    method: string,
    path: string,
    body?: unknown,
    { ifMatch, ...options }: WriteOptions = {},
  ): Promise<Answer> => {
    const revision = typeof ifMatch === 'object' ? ifMatch.revision : ifMatch
    const headers = revision === undefined ? {} : { 'if-match': `"${revision}"` }
    return (await request<Answer>(method, path, { ...options, headers, body })).body
  }
  const at = (id: string): string => `/api/tasks/${encodeURIComponent(id)}`

  const client = {
    /** All of them, however many. */
    list: async (query: TaskQueryInput = {}, options?: RequestOptions): Promise<Task[]> => {
      const search = new URLSearchParams(query)
      return (await request<Task[]>('GET', `/api/tasks?${search}`, options)).body
    },

    /** The same page by page. */
    async *pages(query: TaskQueryInput = {}, limit = 100, options?: RequestOptions) {
      let path: string | undefined =
        `/api/tasks?${new URLSearchParams({ ...query, limit: `${limit}` })}`
      while (path !== undefined) {
        const { body, headers }: { body: Task[]; headers: Headers } = await request<Task[]>(
          'GET',
          path,
          options,
        )
        yield body
        path = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
      }
    },

    get: async (id: string, options?: RequestOptions): Promise<Task> =>
      (await request<Task>('GET', at(id), options)).body,

    create: (draft: TaskDraft, options?: RequestOptions): Promise<Task> =>
      write('POST', '/api/tasks', draft, options),

    /** Absent fields stay, null clears. */
    update: (id: string, patch: TaskPatch, options?: WriteOptions): Promise<Task> =>
      write('PATCH', at(id), patch, options),

    /** Completes the task, or with `completed` false opens it again. */
    complete: (id: string, completed = true, options?: WriteOptions): Promise<Task> =>
      write('PATCH', `${at(id)}/complete`, { completed }, options),

    delete: (id: string, options?: WriteOptions): Promise<void> =>
      write('DELETE', at(id), undefined, options),

    /** All of them, or none; answers what each has changed. */
    batch: async (
      operations: readonly BatchOperation[],
      options?: RequestOptions,
    ): Promise<Change[]> => {
      const answer = await write<{ changes: Change[] }>(
        'POST',
        '/api/tasks/batch',
        { operations },
        options,
      )
      return answer.changes
    },

    /** What has changed since a cursor or revision; without one, all there is. */
    changes: async (
      { since, limit }: { since?: string | number; limit?: number } = {},
      options?: RequestOptions,
    ): Promise<ChangesAnswer> => {
      const search = new URLSearchParams({
        ...(since !== undefined && { since: `${since}` }),
        ...(limit !== undefined && { limit: `${limit}` }),
      })
      return (await request<ChangesAnswer>('GET', `/api/changes?${search}`, options)).body
    },

    /**
     * Everything that changes, without end: first what has changed since a cursor that was kept, then
     * what changes as it happens, across lost connections. Keep the `cursor` with your copy of the
     * tasks, and throw that copy away when `reset` is set. Ends when `signal` is aborted.
     */
    follow: (options: { since?: string; signal?: AbortSignal } = {}): AsyncGenerator<Following> =>
      follow(connection, client.changes, options),
  }
  return client
}
