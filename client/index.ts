import type { Change } from '../src/domain/change.ts'
import type { Task, TaskDraft, TaskPatch } from '../src/domain/task.ts'
import type { TaskQueryInput } from '../src/domain/task-query.ts'
import { type ChangesPage, type FollowedChanges, type FollowOptions, follow } from './follow.ts'
import {
  type Connection,
  queryOf,
  type Received,
  type RequestOptions,
  requester,
} from './request.ts'

export { TaskportError } from './error.ts'
export type { ChangesPage, FollowedChanges, FollowOptions, FollowStatus } from './follow.ts'
export type { Change, Connection, RequestOptions, Task, TaskDraft, TaskPatch }

export type ListQuery = {
  readonly [Name in keyof TaskQueryInput]?: TaskQueryInput[Name] | undefined
}

/** An ETag as it was received, a revision, or the task as it was seen. */
export type ExpectedVersion = string | number | Pick<Task, 'revision'>

export type WriteOptions = RequestOptions &
  Readonly<{
    /** Refuses the write with status 412 when the task has another version by now. */
    ifMatch?: ExpectedVersion | undefined
  }>

export type BatchOperation =
  | Readonly<{ op: 'create'; body: TaskDraft }>
  | Readonly<{ op: 'update'; id: string; if_match?: string | number; body: TaskPatch }>
  | Readonly<{
      op: 'complete'
      id: string
      if_match?: string | number
      body?: { completed?: boolean }
    }>
  | Readonly<{ op: 'delete'; id: string; if_match?: string | number }>

export type TaskportClient = ReturnType<typeof taskport>

/**
 * Every write carries an idempotency key of its own, so it is sent again after a network error or a
 * 503 without doing anything twice. Throws `TaskportError` for every unsuccessful response.
 */
export const taskport = (options: Connection) => {
  const connection = { ...options, url: options.url.replace(/\/+$/, '') }
  const request = requester(connection)
  const etags = new WeakMap<object, string>()

  /** A task that came without an ETag, as in a list, is expected by its revision. */
  const expectation = (version: ExpectedVersion | undefined): Record<string, string> => {
    if (version === undefined) return {}
    if (typeof version === 'string') return { 'if-match': version }
    if (typeof version === 'number') return { 'if-match': `"${version}"` }
    return { 'if-match': etags.get(version) ?? `"${version.revision}"` }
  }
  const write = <Body>(
    method: string,
    path: string,
    body?: unknown,
    { ifMatch, ...rest }: WriteOptions = {},
  ): Promise<Received<Body>> =>
    request<Body>(method, path, { ...rest, headers: expectation(ifMatch), body })
  const taskOf = async (received: Promise<Received<Task>>): Promise<Task> => {
    const { headers, body } = await received
    const etag = headers.get('etag')
    if (etag !== null) etags.set(body, etag)
    return body
  }
  const at = (id: string): string => `/api/tasks/${encodeURIComponent(id)}`

  return {
    list: async (query: ListQuery = {}, options?: RequestOptions): Promise<Task[]> =>
      (await request<Task[]>('GET', `/api/tasks${queryOf(query)}`, options)).body,

    async *pages(query: ListQuery = {}, limit = 100, options?: RequestOptions) {
      let path: string | undefined = `/api/tasks${queryOf({ ...query, limit })}`
      while (path !== undefined) {
        const { body, headers }: Received<Task[]> = await request<Task[]>('GET', path, options)
        yield body
        path = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
      }
    },

    get: (id: string, options?: RequestOptions): Promise<Task> =>
      taskOf(request('GET', at(id), options)),

    create: (draft: TaskDraft, options?: RequestOptions): Promise<Task> =>
      taskOf(write('POST', '/api/tasks', draft, options)),

    /** Absent fields stay, null clears. */
    update: (id: string, patch: TaskPatch, options?: WriteOptions): Promise<Task> =>
      taskOf(write('PATCH', at(id), patch, options)),

    /** Completes the task, or with `completed` false opens it again. */
    complete: (id: string, completed = true, options?: WriteOptions): Promise<Task> =>
      taskOf(write('PATCH', `${at(id)}/complete`, { completed }, options)),

    delete: async (id: string, options?: WriteOptions): Promise<void> => {
      await write('DELETE', at(id), undefined, options)
    },

    /** The ETag that this object was received with, to keep beside a stored copy; opaque. */
    etag: (task: Task): string | undefined => etags.get(task),

    /** All of them, or none; returns what each has changed. */
    batch: async (
      operations: readonly BatchOperation[],
      options?: RequestOptions,
    ): Promise<Change[]> => {
      const path = '/api/tasks/batch'
      return (await write<{ changes: Change[] }>('POST', path, { operations }, options)).body
        .changes
    },

    /** What has changed since a cursor or revision; without one, a snapshot. */
    changes: async (
      range: { since?: string | number | undefined; limit?: number | undefined } = {},
      options?: RequestOptions,
    ): Promise<ChangesPage> =>
      (await request<ChangesPage>('GET', `/api/changes${queryOf(range)}`, options)).body,

    /**
     * Every change since a stored cursor, without end, across lost connections. Store the `cursor`
     * with your copy of the tasks, and discard that copy when `reset` is set. Ends when `signal` is
     * aborted; throws what another attempt cannot change, such as a 403.
     */
    follow: (options: FollowOptions = {}): AsyncGenerator<FollowedChanges> =>
      follow(connection, options),
  }
}
