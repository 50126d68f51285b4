import type { Message } from '../domain/delivery.ts'
import type { Instant } from '../domain/due-date.ts'
import type { PlannedChange, Write } from '../domain/plan.ts'
import type { Revision, Task, TaskId, UserId } from '../domain/task.ts'
import type { Position, TaskQuery } from '../domain/task-query.ts'
import type { AttemptError, Webhook } from '../domain/webhook.ts'
import type { Feed } from './feed.ts'
import type { TaskList } from './task-list.ts'

/** The time now. */
export type Clock = () => Instant

/** A new id whose time is `at`; ids made in one process at one time still ascend. */
export type NewId = (at: Instant) => TaskId

/** Which part of a list: at most `limit` tasks (all when null), after a position (from the start when null). */
export type Page = Readonly<{ limit: number | null; after: Position | null }>

/** `request` tells whether a key comes with the request it came with first. */
export type Receipt = Readonly<{
  key: string
  request: string
  changes: readonly PlannedChange[]
}>

/**
 * What one owner's tasks go through at once, `at` that time: every write, or none. It takes `taken`
 * revisions after the owner's present one, its base; a write's `nth` counts from there. With a
 * receipt that is stored as well, however little there is to write.
 */
export type Step = Readonly<{
  owner: UserId
  writes: readonly Write[]
  taken: number
  /** Tasks the owner may have afterwards. A step that adds none is never refused for it. */
  quota: number
  at: Instant
  receipt?: Receipt
}>

/**
 * Keeps the tasks of all users, each user's apart. Whatever takes a revision makes the owner's
 * webhooks due in the same step, see `WebhookStore`. Every method but `exists` takes the owner and can
 * neither see nor touch anything else; user ids and texts are opaque and compared byte by byte.
 *
 * Each method is one atomic step: it happens whole or not at all, survives a crash once its promise
 * has resolved (storages that persist), and of two that race one comes first. Revisions are taken in
 * commit order, starting at 1: none is skipped, none is given twice, and a write that takes no effect
 * takes none.
 *
 * What is returned is the caller's own copy. Any method throws `unavailable` when the storage cannot
 * be reached or does not answer in time; whether a write took effect is then unknown.
 */
export type TaskStore = Readonly<{
  get(owner: UserId, id: TaskId): Promise<Task | undefined>

  /** Those of the tasks that the owner has, in no order. */
  find(owner: UserId, ids: readonly TaskId[]): Promise<Task[]>

  /** In the order and with the filters of `query`. */
  list(owner: UserId, query: TaskQuery, page: Page): Promise<TaskList>

  /**
   * The base, when it has happened. Otherwise nothing has: `changed` when a task to replace, remove
   * or keep is not there or not at its revision any more, `repeated` when the owner has a receipt
   * with that key. Of several steps that saw the same revision exactly one happens. `created_at` of
   * a task stays as it was first stored. Throws `quota-exceeded`. An id of a new task that anybody's
   * task has is a defect of the caller: it rejects.
   */
  write(step: Step): Promise<Revision | 'changed' | 'repeated'>

  /** What was stored with that key, and the base it was stored on. */
  receipt(owner: UserId, key: string): Promise<(Receipt & Readonly<{ base: Revision }>) | undefined>

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

  /** The owners' revisions, in no order, those without any change left out: one look-up by key each. */
  revisions(owners: readonly UserId[]): Promise<{ owner: UserId; revision: Revision }[]>

  /**
   * Reminds of at most `limit` open tasks of anybody whose `remind_at` has come and that were not
   * reminded of: each gets `now` as `reminded_at` and `updated_at`, and a revision of its owner.
   * Answers the owners and their revisions. However many call this at once, none is reminded twice.
   */
  remind(now: Instant, limit: number): Promise<{ owner: UserId; revision: Revision }[]>

  /** Removes the owner, tasks, revision and all, as if there had never been one. */
  removeOwner(owner: UserId): Promise<void>

  /**
   * Forgets deletions from before one time and receipts from before another, at most `limit` of
   * each. Answers how many it has forgotten.
   */
  purge(deletionsBefore: Instant, receiptsBefore: Instant, limit: number): Promise<number>

  /** Whether anybody has this task. For choosing between "forbidden" and "not found" only. */
  exists(id: TaskId): Promise<boolean>

  /** Resolves when requests can be served; throws `unavailable` when they cannot. */
  ready(): Promise<void>
}>

/**
 * Keeps the webhooks of all users beside their tasks; what is said of `TaskStore` goes for it, too.
 * When a change of the owner's tasks is stored, each of his webhooks that is enabled takes the next
 * version, and that time as `due_at` unless it has one, in the same step.
 */
export type WebhookStore = Readonly<{
  /** False, and changes nothing, when the owner already has `most`. */
  create(webhook: Webhook, most: number): Promise<boolean>
  get(owner: UserId, id: string): Promise<Webhook | undefined>
  /** Oldest first. */
  list(owner: UserId): Promise<Webhook[]>
  /** Replaces it if its version still is `webhook.version`, and answers whether; then that is one more. */
  replace(webhook: Webhook): Promise<boolean>
  /** Whether it was there. */
  remove(owner: UserId, id: string): Promise<boolean>
  removeOwner(owner: UserId): Promise<void>
  /** At most `limit` that are due, longest first. */
  due(now: Instant, limit: number): Promise<{ owner: UserId; id: string }[]>
}>

/** What became of an attempt. `retryAfter` is in milliseconds, 0 when the receiver did not say. */
export type Attempt =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; error: AttemptError; retryAfter: number }>

/** Signs a message with each secret and sends it, once. Never throws, never follows a redirect. */
export type WebhookSender = (
  url: string,
  message: Message,
  secrets: readonly string[],
) => Promise<Attempt>

/** Work to be done in the background; `key` tells jobs of one kind apart. */
export type Job = Readonly<{ kind: 'deliver' | 'ping' | 'tidy'; key: string }>

/**
 * Keeps jobs until they have been done, over restarts (storages that persist). A job is done at least
 * once: not before its time; again, a little later each time, when doing it failed; and again when
 * the process that did it died. Of jobs with one kind and key there is one at most, waiting or being
 * done: enqueuing another changes nothing.
 */
export type JobQueue = Readonly<{
  enqueue(job: Job, at: Instant): Promise<void>
  /** Begins to do jobs, several at once. */
  work(handler: (job: Job) => Promise<void>): void
  /** Begins no other and resolves when those that run have ended. */
  stop(): Promise<void>
}>

/** Who a token speaks for, and until when (milliseconds since 1970). */
export type Identity = Readonly<{ user_id: UserId; expires_at: number }>

/**
 * Checks a JSON Web Token (RFC 7519). Throws `unauthenticated` when it is expired or otherwise
 * unacceptable (the message tells these two apart and nothing more), and `unavailable` when no
 * key to check it with can be had.
 */
export type TokenVerifier = (token: string) => Promise<Identity> | Identity

export type Ports = Readonly<{
  tasks: TaskStore
  webhooks: WebhookStore
  jobs: JobQueue
  send: WebhookSender
  now: Clock
  newId: NewId
  /** What is wrong with a webhook's URL as far as that can be seen at once, for its owner to read. */
  urlProblem: (url: string) => string | undefined
  /** A new secret of a webhook, such as `whsec_…`. */
  newSecret: () => string
  /** From 0 to 1. */
  chance: () => number
}>
