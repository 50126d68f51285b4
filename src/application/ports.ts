import type { Change, FeedState, Reminders } from '../domain/change.ts'
import type { Changeset } from '../domain/changeset.ts'
import type { Message } from '../domain/delivery.ts'
import type { Instant } from '../domain/due-date.ts'
import type { Revision, Task, TaskId, UserId } from '../domain/task.ts'
import type { Position, TaskQuery } from '../domain/task-query.ts'
import type { Version } from '../domain/version.ts'
import type { AttemptError, Webhook } from '../domain/webhook.ts'
import type { Json } from './json.ts'

/** The time now. */
export type Clock = () => Instant

/** A new id whose time is `at`; ids made in one process at one time still ascend. */
export type NewId = (at: Instant) => TaskId

/** Which part of a list: at most `limit` tasks (all when null), after a position (from the start when null). */
export type Page = Readonly<{ limit: number | null; after: Position | null }>

/**
 * A task as it is stored, its version, and when an idempotency record was stored that refers to it, null
 * without one.
 */
export type StoredTask = Readonly<{
  document: Json<Task>
  version: Version
  recordedAt: Instant | null
}>

/**
 * Part of a list. `last` is the last of the tasks, `more` says whether others follow, and `version`
 * is the user's at the moment of the list, revision 0 for a user without any change.
 */
export type TaskList = Readonly<{
  tasks: Json<readonly Task[]>
  last: Task | undefined
  more: boolean
  version: Version
}>

/** Changes after a position. `last` is the revision of the last of them, `more` says whether others follow. */
export type Feed = FeedState &
  Readonly<{
    changes: Json<readonly Change[]>
    last: Revision | undefined
    more: boolean
  }>

/** Makes a request safe to repeat; `request` is a digest that tells whether a repeated key comes with the same request. */
export type IdempotencyKey = Readonly<{ key: string; request: string }>

/**
 * What a request with a key has done: ids and versions only. Without a version, it is that of the
 * commit: the owner's revision before it plus `revisionOffset`.
 */
export type RecordedChange = Readonly<{
  op: 'upsert' | 'delete'
  id: string
  revisionOffset: number
  version: Version | null
}>

export type IdempotencyRecord = IdempotencyKey &
  Readonly<{ at: Instant; changes: readonly RecordedChange[] }>

/** A changeset of one owner. `quota` is the number of tasks the owner may have afterwards. */
export type Commit = Changeset &
  Readonly<{
    owner: UserId
    /** A commit that adds no task is never refused for it. */
    quota: number
    at: Instant
    idempotency?: IdempotencyRecord
  }>

/**
 * `conflict`: a task to replace, remove or check is not there or not at its base revision any more.
 * `duplicate`: the owner has a record with that idempotency key. In both cases nothing has happened.
 * `webhooks` says whether webhooks have become due.
 */
export type CommitResult =
  | Readonly<{
      status: 'committed'
      baseRevision: Revision
      timeline: string
      webhooks: boolean
    }>
  | Readonly<{ status: 'conflict' | 'duplicate' }>

/** What is older is purged: tombstones and reminders of the change log, and idempotency records. */
export type Horizon = Readonly<{ tombstones: Instant; records: Instant }>

/**
 * Keeps the tasks of all users, each user's apart. A commit that takes a revision makes the owner's
 * webhooks due in the same step, see `WebhookStore`. Every method but `exists`, `reminders` and
 * `expired` takes the owner and can neither see nor touch anything else; user ids and texts are opaque
 * and compared byte by byte.
 *
 * Each method is one atomic step: it happens whole or not at all, survives a crash once its promise
 * has resolved (storages that persist), and of two that race one comes first. Revisions are taken in
 * commit order, starting at 1: none is skipped, none is given twice, and a commit that takes no effect
 * takes none.
 *
 * What is returned is the caller's own copy. Any method throws `unavailable` when the storage cannot
 * be reached or does not respond in time; whether a commit took effect is then unknown.
 */
export type TaskStore = Readonly<{
  get(owner: UserId, id: TaskId): Promise<StoredTask | undefined>

  /** Those of the tasks that the owner has, in no order. */
  find(owner: UserId, ids: readonly TaskId[]): Promise<StoredTask[]>

  /** In the order and with the filters of `query`. */
  list(owner: UserId, query: TaskQuery, page: Page): Promise<TaskList>

  /**
   * Commits a changeset, and the idempotency record if there is one. Of several commits on the same
   * base revision exactly one succeeds. Throws `quota-exceeded`, and `unauthenticated` when the owner's account was deleted. An id of a new task
   * that the owner has already is a defect of the caller: it rejects.
   */
  commit(commit: Commit): Promise<CommitResult>

  /** The record with that key; every change in it has its version. */
  idempotencyRecord(owner: UserId, key: string): Promise<IdempotencyRecord | undefined>

  /**
   * The owner's tasks as they were at those revisions, in no order, as far as they are known: tasks that
   * an idempotency record refers to are, until it is purged.
   */
  tasksAt(
    owner: UserId,
    revisions: readonly Readonly<{ id: TaskId; revision: Revision }>[],
  ): Promise<Task[]>

  /**
   * At most `limit` changes after revision `after` in the order of their revisions: each task once,
   * as it is now, and each deletion after revision `deletionsAfter` (none when null).
   */
  changes(
    owner: UserId,
    after: Revision,
    deletionsAfter: Revision | null,
    limit: number,
  ): Promise<Feed>

  /** The last reminder of each task after a revision, of those that are kept. */
  remindersAfter(owner: UserId, after: Revision): Promise<Reminders>

  /** The owners' versions, in no order, those without any change left out: one look-up by key each. */
  versions(owners: readonly UserId[]): Promise<{ owner: UserId; version: Version }[]>

  /** The tasks of anyone whose reminders are due first, at most `limit`: soonest first, due or not. */
  reminders(limit: number): Promise<{ owner: UserId; id: TaskId; at: Instant }[]>

  /**
   * Deletes the owner's tasks, changes, idempotency records and webhooks, for good. Every later commit
   * is refused, until the mark that says so is purged with the tombstones.
   */
  deleteAccount(owner: UserId, at: Instant): Promise<void>

  /** At most `limit` owners for whom `purge` has something to do. */
  expired(horizon: Horizon, limit: number): Promise<UserId[]>

  /**
   * Removes what has expired, `before` of the change log with the records, at most `limit` rows of each kind, and rows of the change log that later
   * ones have superseded. Returns how many it has removed. Purged tombstones raise the owner's
   * `compactedRevision`.
   */
  purge(owner: UserId, horizon: Horizon, limit: number): Promise<number>

  /** Whether anyone has this task. For choosing between "forbidden" and "not found" only. */
  exists(id: TaskId): Promise<boolean>

  /** Resolves when requests can be served; throws `unavailable` when they cannot. */
  ready(): Promise<void>
}>

/**
 * Keeps the webhooks of all users beside their tasks, with the guarantees of `TaskStore`. When a
 * commit takes a revision, each of the owner's enabled webhooks takes the next version, and the time
 * of the commit as `due_at` unless it has one, in the same step. An idempotency record is stored in
 * the same step, too; `duplicate` means that the owner has one with that key, and nothing has happened.
 */
export type WebhookStore = Readonly<{
  /** `limit`: the owner already has `most`. Throws `unauthenticated` when the account was deleted. */
  create(
    webhook: Webhook,
    most: number,
    idempotency?: IdempotencyRecord,
  ): Promise<'created' | 'limit' | 'duplicate'>
  get(owner: UserId, id: string): Promise<Webhook | undefined>
  /** Oldest first. */
  list(owner: UserId): Promise<Webhook[]>
  /** Replaces it, provided that its version still is `webhook.version`, which then is one more. */
  replace(
    webhook: Webhook,
    idempotency?: IdempotencyRecord,
  ): Promise<'replaced' | 'conflict' | 'duplicate'>
  remove(
    owner: UserId,
    id: string,
    idempotency?: IdempotencyRecord,
  ): Promise<'removed' | 'absent' | 'duplicate'>
  /** The webhooks of anyone that are due first, at most `limit`: soonest first, due or not. */
  due(limit: number): Promise<{ owner: UserId; id: string; at: Instant }[]>
}>

/** The outcome of an attempt. `retryAfter` is in milliseconds, 0 when the receiver did not say. */
export type Attempt =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; error: AttemptError; retryAfter: number }>

/** Signs a message with each secret and sends it, once. Never throws, never follows a redirect. */
export type WebhookSender = (
  url: string,
  message: Message,
  secrets: readonly string[],
) => Promise<Attempt>

/** Work that any process may do: to deliver to one webhook. */
export type Job = Readonly<{ name: 'deliver'; owner: UserId; id: string }>

/**
 * Spreads jobs over the processes that share a storage. A job is run at least once; again, a little
 * later each time, when it failed; and again when the process that ran it died, in storages that are
 * shared. Of equal jobs there is one at most, waiting or running: enqueuing another changes nothing.
 */
export type JobQueue = Readonly<{
  enqueue(job: Job): Promise<void>
  /**
   * Begins to run jobs, several at once. `onSettled` is called after each run, when the job is no
   * longer in the queue or waits again.
   */
  work(handler: (job: Job) => Promise<void>, onSettled?: () => void): void
  /** Begins no other and resolves when those that run have ended. */
  stop(): Promise<void>
}>

/** Work that each process does by itself; the scheduler knows how often. */
export type BackgroundJob =
  | 'send-reminders'
  | 'enqueue-deliveries'
  | 'poll-revisions'
  | 'purge-expired'

/** Asks for a background job to be run at that time, sooner than it would be otherwise. */
export type Wake = (job: BackgroundJob, at: Instant) => void

/** Who a token speaks for, and until when (milliseconds since 1970). */
export type Identity = Readonly<{ user_id: UserId; expires_at: number }>

/**
 * Checks a JSON Web Token (RFC 7519). Throws `unauthenticated` when it is expired or otherwise
 * unacceptable (the message distinguishes these two and nothing more), and `unavailable` when no
 * key to check it with is available.
 */
export type TokenVerifier = (token: string) => Promise<Identity> | Identity

export type Ports = Readonly<{
  tasks: TaskStore
  webhooks: WebhookStore
  jobs: JobQueue
  send: WebhookSender
  now: Clock
  newId: NewId
  wake: Wake
  /** What is wrong with a webhook's URL as far as that shows at once, for its owner to read. */
  urlProblem: (url: string) => string | undefined
  /** A new secret of a webhook, such as `whsec_…`. */
  newSecret: () => string
  /** From 0 to 1. */
  chance: () => number
}>
