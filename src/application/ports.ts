import type { Budget } from '../domain/budget.ts'
import type { Change, FeedState, Reminders } from '../domain/change.ts'
import type { Changeset } from '../domain/changeset.ts'
import type { Message } from '../domain/delivery.ts'
import type { Instant } from '../domain/due-date.ts'
import type { Revision, Task, TaskId, UserId } from '../domain/task.ts'
import type { Position, TaskQuery } from '../domain/task-query.ts'
import type { Scope } from '../domain/token.ts'
import type { Version } from '../domain/version.ts'
import type { AttemptError, Webhook } from '../domain/webhook.ts'
import type { ImportReader } from './import-ports.ts'
import type { Json } from './json.ts'
import type { TokenSecrets, TokenStore } from './token-ports.ts'
import type { Trace } from './trace.ts'

export * from './import-ports.ts'
export type { TokenSecrets, TokenStore, TokenUse } from './token-ports.ts'

export type Clock = () => Instant

/** A new id whose time is `at`; ids made in one process at one time still ascend. */
export type NewId = (at: Instant) => TaskId

/** A null `limit` means all tasks, a null `after` from the start. */
export type Page = Readonly<{ limit: number | null; after: Position | null }>

/** `recordedAt`: when an idempotency record was stored that refers to the task. */
export type StoredTask = Readonly<{
  document: Json<Task>
  version: Version
  recordedAt: Instant | null
}>

/** `version` is the user's at the moment of the list, revision 0 without any change. */
export type TaskList = Readonly<{
  tasks: Json<readonly Task[]>
  last: Task | undefined
  more: boolean
  version: Version
}>

/** `last` is the revision of the last change, `more` says whether others follow. */
export type Feed = FeedState &
  Readonly<{
    changes: Json<readonly Change[]>
    last: Revision | undefined
    more: boolean
  }>

/** `request` is a digest that shows whether a repeated key comes with the same request. */
export type IdempotencyKey = Readonly<{ key: string; request: string }>

/** Without a version it is the commit's: the owner's revision before it plus `revisionOffset`. */
export type RecordedChange = Readonly<{
  op: 'upsert' | 'delete'
  id: string
  revisionOffset: number
  version: Version | null
}>

export type IdempotencyRecord = IdempotencyKey &
  Readonly<{ at: Instant; changes: readonly RecordedChange[] }>

export type Commit = Changeset &
  Readonly<{
    owner: UserId
    /** Tasks the owner may have afterwards; a commit that adds none is never refused for it. */
    quota: number
    /** By how much the size of all their documents grows; `bytesQuota` is its limit if it does. */
    bytesDelta: number
    bytesQuota: number
    at: Instant
    idempotency?: IdempotencyRecord
  }>

/**
 * `conflict`: a task to replace, remove or check is not at its base revision. `duplicate`: the
 * owner has a record with that key. Both change nothing. `webhooks`: some have become due.
 */
export type CommitResult =
  | Readonly<{
      status: 'committed'
      baseRevision: Revision
      timeline: string
      webhooks: boolean
    }>
  | Readonly<{ status: 'conflict' | 'duplicate' }>

/** What is older is purged, and tombstones so many revisions behind the owner's. */
export type Horizon = Readonly<{ tombstones: Instant; records: Instant; revisions: number }>

/**
 * Every method but `exists`, `reminders` and `expired` takes the owner and can neither see nor
 * touch anything else; user ids and texts are opaque and compared byte by byte.
 *
 * Each method is one atomic step: it happens whole or not at all, survives a crash once its promise
 * has resolved (storages that persist), and of two that race one comes first. Revisions are taken
 * in commit order from 1 without gaps; a commit that takes no effect takes none.
 *
 * What is returned is the caller's own copy. Any method throws `unavailable` when the storage
 * cannot be reached in time; whether a commit took effect is then unknown.
 */
export type TaskStore = Readonly<{
  get(owner: UserId, id: TaskId): Promise<StoredTask | undefined>

  /** Those that the owner has, in no order. */
  find(owner: UserId, ids: readonly TaskId[]): Promise<StoredTask[]>

  list(owner: UserId, query: TaskQuery, page: Page): Promise<TaskList>

  /**
   * Of several commits on the same base revision exactly one succeeds. Throws `quota-exceeded`, and
   * `unauthenticated` when the account was deleted; rejects when the id of a new task is taken.
   */
  commit(commit: Commit): Promise<CommitResult>

  /** Every change in it has its version. */
  idempotencyRecord(owner: UserId, key: string): Promise<IdempotencyRecord | undefined>

  /** In no order, where known: tasks that an idempotency record refers to are until its purge. */
  tasksAt(
    owner: UserId,
    revisions: readonly Readonly<{ id: TaskId; revision: Revision }>[],
  ): Promise<Task[]>

  /** By revision: tasks once, as they are now; deletions after `deletionsAfter`, none if null. */
  changes(
    owner: UserId,
    after: Revision,
    deletionsAfter: Revision | null,
    limit: number,
  ): Promise<Feed>

  /** The last reminder of each task, of those that are kept. */
  remindersAfter(owner: UserId, after: Revision): Promise<Reminders>

  /** In no order; owners without any change are left out. */
  versions(owners: readonly UserId[]): Promise<{ owner: UserId; version: Version }[]>

  /** Of all owners: soonest first, due or not. */
  reminders(limit: number): Promise<{ owner: UserId; id: TaskId; at: Instant }[]>

  /**
   * With all tasks, changes, idempotency records and webhooks, for good. Later commits are refused
   * until the mark that says so is purged with the tombstones. Personal tokens go last, in a step of
   * their own where they are kept elsewhere: after a failure in between, a repetition deletes them.
   */
  deleteAccount(owner: UserId, at: Instant): Promise<void>

  /** At most `limit` owners for whom `purge` has something to do. */
  expired(horizon: Horizon, limit: number): Promise<UserId[]>

  /**
   * At most `limit` rows of each kind, expired or superseded; `before` goes with the records.
   * Returns how many. Purged tombstones raise the owner's `compactedRevision`.
   */
  purge(owner: UserId, horizon: Horizon, limit: number): Promise<number>

  /** For choosing between "forbidden" and "not found" only. */
  exists(id: TaskId): Promise<boolean>

  /** Resolves when requests can be served; throws `unavailable` when they cannot. */
  ready(): Promise<void>
}>

/**
 * With the guarantees of `TaskStore`. A commit that takes a revision also raises the version of
 * each enabled webhook of the owner, and sets its `due_at` to the time of the commit if it is null.
 * `duplicate`: the owner has a record with that idempotency key, and nothing has happened.
 */
export type WebhookStore = Readonly<{
  /** `limit`: the owner has `most`. Throws `unauthenticated` when the account was deleted. */
  create(
    webhook: Webhook,
    most: number,
    idempotency?: IdempotencyRecord,
  ): Promise<'created' | 'limit' | 'duplicate'>
  get(owner: UserId, id: string): Promise<Webhook | undefined>
  /** Oldest first. */
  list(owner: UserId): Promise<Webhook[]>
  /** Requires that its version still is `webhook.version`, which then is one more. */
  replace(
    webhook: Webhook,
    idempotency?: IdempotencyRecord,
  ): Promise<'replaced' | 'conflict' | 'duplicate'>
  remove(
    owner: UserId,
    id: string,
    idempotency?: IdempotencyRecord,
  ): Promise<'removed' | 'absent' | 'duplicate'>
  /** Of all owners: soonest first, due or not; those after `after`, from the start if null. */
  due(limit: number, after?: DueWebhook | null): Promise<DueWebhook[]>
}>

export type DueWebhook = Readonly<{ owner: UserId; id: string; at: Instant }>

/** `retryAfter` is in milliseconds, 0 when the receiver did not say. */
export type Attempt =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; error: AttemptError; retryAfter: number }>

/** Signs a message with each secret and sends it, once. Never throws, never follows a redirect. */
export type WebhookSender = (
  url: string,
  message: Message,
  secrets: readonly string[],
  trace?: Trace,
) => Promise<Attempt>

/** The traces that changes belong to, as far as this process knows; forgets the older ones. */
export type Traces = Readonly<{
  /** The request that runs now, if it has a trace, made the last `count` revisions up to this. */
  record(owner: UserId, revision: Revision, count: number): void
  of(owner: UserId, revision: Revision): Trace | undefined
}>

export type Job = Readonly<{ name: 'deliver'; owner: UserId; id: string }>

/**
 * Runs a job at least once: again after a growing pause when it failed, and elsewhere when its
 * process died (shared storages). Enqueuing a job equal to one that waits or runs changes nothing.
 * Jobs run several at once, but at most 4 of one owner; those of owners whose jobs take long do not
 * hold up those of others.
 */
export type JobQueue = Readonly<{
  enqueue(jobs: readonly Job[]): Promise<void>
  /** `onSettled` is called after each run, once the job is gone or waits again. */
  work(handler: (job: Job) => Promise<void>, onSettled?: () => void): void
  /** Since when it cannot get at its jobs; null while it can, and before `work`. */
  failingSince(): Instant | null
  /** Begins no other and resolves when those that run have ended. */
  stop(): Promise<void>
}>

export type BackgroundJob =
  | 'send-reminders'
  | 'enqueue-deliveries'
  | 'poll-revisions'
  | 'purge-expired'
  | 'note-token-uses'
  | 'erase-deleted'
  | 'make-backup'

export type FailingJob = Readonly<{ job: BackgroundJob | 'job-queue'; since: Instant }>

/** Sooner than the job would run otherwise; never later. */
export type Wake = (job: BackgroundJob, at: Instant) => void

/** `expires_at` is in milliseconds since 1970. Without `scopes` everything is allowed. */
export type Identity = Readonly<{
  user_id: UserId
  expires_at: number
  scopes?: readonly Scope[]
}>

/**
 * Checks a JSON Web Token (RFC 7519). Throws `unauthenticated`, which reveals no more than whether
 * it has expired, and `unavailable` when there is no key to check it with.
 */
export type TokenVerifier = (token: string) => Promise<Identity> | Identity

/** In milliseconds: `wait` until the amount can be spent, 0 if it was; `reset` until all is back. */
export type Spent = Readonly<{ left: number; wait: number; reset: number }>

export type Budgets = Readonly<{
  spend(user: UserId, budget: Budget, amount: number): Spent
}>

export type Ports = Readonly<{
  /** Never goes back, so that what is due stays due. */
  steadyNow: Clock
  budgets: Budgets
  tasks: TaskStore
  webhooks: WebhookStore
  tokens: TokenStore
  tokenSecrets: TokenSecrets
  jobs: JobQueue
  send: WebhookSender
  traces: Traces
  readImport: ImportReader
  now: Clock
  newId: NewId
  wake: Wake
  /** Those whose last run failed, with the time of the first failure in a row. */
  failingJobs: () => readonly FailingJob[]
  /** What is wrong with it as far as it shows at once, for the owner to read. */
  urlProblem: (url: string) => string | undefined
  newSecret: () => string
  /** From 0 to 1. */
  chance: () => number
}>
