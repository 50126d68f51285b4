/** An instant is RFC 3339 in UTC with milliseconds: `2026-02-10T08:00:00.000Z`. */
export type Task = Readonly<{
  id: string
  user_id: string
  title: string
  description: string | null
  completed: boolean
  priority: 'low' | 'medium' | 'high' | null
  /** An instant, or an all-day date `2026-02-10`. */
  due_date: string | null
  remind_at: string | null
  reminded_at: string | null
  created_at: string
  updated_at: string
  revision: number
}>

/** Times need an offset: convert the value of a `datetime-local` input with `toISOString()`. */
export type TaskPatch = Readonly<{
  title?: string
  description?: string | null
  completed?: boolean
  priority?: 'low' | 'medium' | 'high' | null
  due_date?: string | null
  remind_at?: string | null
}>

/** A new task is never completed. */
export type TaskDraft = TaskPatch & Readonly<{ title: string; completed?: false }>

export type Change =
  | Readonly<{ op: 'upsert'; revision: number; task: Task }>
  | Readonly<{ op: 'delete'; revision: number; id: string }>

/** Newest first unless `sort` or `order` say otherwise. */
export type ListQuery = Readonly<{
  status?: 'all' | 'pending' | 'completed' | undefined
  sort?: 'created' | 'title' | 'due_date' | undefined
  order?: 'asc' | 'desc' | undefined
  priority?: 'low' | 'medium' | 'high' | undefined
  /** A date or an instant, exclusive. */
  due_before?: string | undefined
  due_after?: string | undefined
  /** Found in title and description, whatever the case and accents. */
  q?: string | undefined
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

/** Nothing when the user has to sign in. Called with a refused token at most once per request. */
export type TokenSource = (
  refused?: string,
) => string | null | undefined | Promise<string | null | undefined>

export type Connection = Readonly<{
  /** Of the server, such as `https://tasks.example.com`. */
  url: string
  token: TokenSource
  fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** How often a request is sent at most; 6 by default. */
  attempts?: number
  /** Milliseconds before the second attempt, 200 by default; doubles each time, with jitter. */
  pause?: number
  /** Milliseconds that one attempt may take; 15 000 by default. */
  timeout?: number
}>

export type RequestOptions = Readonly<{
  signal?: AbortSignal | undefined
  /** Makes the request the same as an earlier one, for example from before the page was left. */
  idempotencyKey?: string | undefined
}>

/** An ETag as it was received, a revision, or the task as it was seen. */
export type ExpectedVersion = string | number | Pick<Task, 'revision'>

export type WriteOptions = RequestOptions &
  Readonly<{
    /** Refuses the write with status 412 when the task has another version by now. */
    ifMatch?: ExpectedVersion | undefined
  }>

export type ChangesPage = Readonly<{
  changes: readonly Change[]
  revision: number
  cursor: string
  has_more: boolean
}>

/** Store `cursor` once they are applied. With `reset` a snapshot begins: discard the copy first. */
export type FollowedChanges = Readonly<{
  changes: readonly Change[]
  cursor: string
  reset: boolean
}>

/** `pause` is in milliseconds; `error` is undefined when the server ended the stream. */
export type FollowStatus =
  | Readonly<{ status: 'connecting' | 'live' }>
  | Readonly<{ status: 'waiting'; error: unknown; pause: number }>

export type FollowOptions = Readonly<{
  since?: string | undefined
  signal?: AbortSignal | undefined
  /** Without it, lost connections are retried unreported, and what `token` throws is thrown. */
  onStatus?: ((status: FollowStatus) => void) | undefined
}>

export type TaskportClient = Readonly<{
  list(query?: ListQuery, options?: RequestOptions): Promise<Task[]>

  /** The list in pages of `limit` tasks, 100 by default. */
  pages(query?: ListQuery, limit?: number, options?: RequestOptions): AsyncGenerator<Task[]>

  get(id: string, options?: RequestOptions): Promise<Task>

  create(draft: TaskDraft, options?: RequestOptions): Promise<Task>

  /** Absent fields stay, null clears. */
  update(id: string, patch: TaskPatch, options?: WriteOptions): Promise<Task>

  /** Completes the task, or with `completed` false opens it again. */
  complete(id: string, completed?: boolean, options?: WriteOptions): Promise<Task>

  delete(id: string, options?: WriteOptions): Promise<void>

  /** The ETag that this object was received with, to keep beside a stored copy; opaque. */
  etag(task: Task): string | undefined

  /** All of them, or none; returns what each has changed. */
  batch(operations: readonly BatchOperation[], options?: RequestOptions): Promise<Change[]>

  /** What has changed since a cursor or revision; without one, a snapshot. */
  changes(
    range?: Readonly<{ since?: string | number | undefined; limit?: number | undefined }>,
    options?: RequestOptions,
  ): Promise<ChangesPage>

  /**
   * Every change since a stored cursor, without end, across lost connections. Store the `cursor`
   * with your copy of the tasks, and discard that copy when `reset` is set. Ends when `signal` is
   * aborted; throws what another attempt cannot change, such as a 403.
   */
  follow(options?: FollowOptions): AsyncGenerator<FollowedChanges>
}>

/**
 * Every write carries an idempotency key of its own, so it is sent again after a network error or a
 * 503 without doing anything twice. Throws `TaskportError` for every unsuccessful response.
 */
export declare const taskport: (connection: Connection) => TaskportClient

/** An unsuccessful response: a problem document (RFC 9457), as far as it is one. */
export declare class TaskportError extends Error {
  constructor(status: number, problem: unknown, headers?: Headers)
  readonly status: number
  /** Such as `urn:taskport:problem:stale`. */
  readonly type: string
  readonly errors: readonly Readonly<{ pointer?: string; parameter?: string; detail: string }>[]
  /** With status 412: the ETag that the task has now. */
  readonly etag: string | undefined
  /** Milliseconds to wait before another attempt, 0 when the server named none. */
  readonly retryAfter: number
}

/** What `createAuthClient` of Better Auth makes with the plugin `jwtClient`, as far as it is used. */
export type AuthClient = Readonly<{
  token(): Promise<{
    data: { token: string } | null
    error: { status: number; message?: string | undefined } | null
  }>
  $store?: { listen(signal: string, listener: () => void): void } | undefined
}>

/**
 * A token source that keeps a token until shortly before it expires or is refused, and fetches one
 * at a time. Signing in or out with `client` discards it; when that happens elsewhere, call `forget`.
 */
export declare const betterAuthToken: (
  client: AuthClient,
) => ((refused?: string) => Promise<string | undefined>) & { forget(): void }
