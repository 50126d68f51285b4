import type { Instant } from '../domain/due-date.ts'
import type { NewTask, Revision, Task, TaskId, UserId } from '../domain/task.ts'
import type { Position, TaskQuery } from '../domain/task-query.ts'

/** The time now. */
export type Clock = () => Instant

/** A new id whose time is `at`; ids made in one process at one time still ascend. */
export type NewId = (at: Instant) => TaskId

/** Which part of a list: at most `limit` tasks (all when null), after a position (from the start when null). */
export type Page = Readonly<{ limit: number | null; after: Position | null }>

/** `revision` is the user's at the moment of the list, 0 for a user without any change. */
export type TaskList = Readonly<{ tasks: readonly Task[]; more: boolean; revision: Revision }>

/**
 * Keeps the tasks of all users, each user's apart. Every method but `exists` takes the owner and can
 * neither see nor touch anything else; user ids and texts are opaque and compared byte by byte.
 *
 * Each method is one atomic step: it happens whole or not at all, survives a crash once its promise
 * has resolved (storages that persist), and of two that race one comes first. A write that takes
 * effect takes the user's next revision, in commit order, starting at 1: none is skipped, none is
 * given twice, and a write that takes no effect takes none.
 *
 * What is returned is the caller's own copy. Any method throws `unavailable` when the storage cannot
 * be reached or does not answer in time; whether a write took effect is then unknown.
 */
export type TaskStore = Readonly<{
  get(owner: UserId, id: TaskId): Promise<Task | undefined>

  /** In the order and with the filters of `query`; `more` tells whether tasks follow the page. */
  list(owner: UserId, query: TaskQuery, page: Page): Promise<TaskList>

  /**
   * Throws `quota-exceeded`, and changes nothing, when the owner already has `quota` tasks. An id
   * that anybody's task has is a defect of the caller: it rejects, and changes nothing either.
   */
  create(task: NewTask, quota: number): Promise<Task>

  /**
   * Replaces the owner's task of that id if its revision still is `task.revision`, and returns it
   * with its new one; undefined when it is not there or has changed. Of several writers that saw
   * the same revision exactly one succeeds. `created_at` stays as it was first stored.
   */
  replace(task: Task): Promise<Task | undefined>

  /** Removes the task for good if its revision still is `task.revision`; false when it is not. */
  remove(task: Task): Promise<boolean>

  /** Removes the owner, tasks, revision and all, as if there had never been one. */
  removeOwner(owner: UserId): Promise<void>

  /** The owner's revision, 0 for a user without any change: a single key look-up. */
  revision(owner: UserId): Promise<Revision>

  /** Whether anybody has this task. For choosing between "forbidden" and "not found" only. */
  exists(id: TaskId): Promise<boolean>

  /** Resolves when requests can be served; throws `unavailable` when they cannot. */
  ready(): Promise<void>
}>

/** Who a token speaks for, and until when (milliseconds since 1970). */
export type Identity = Readonly<{ user_id: UserId; expires_at: number }>

/**
 * Checks a JSON Web Token (RFC 7519). Throws `unauthenticated` when it is expired or otherwise
 * unacceptable (the message tells these two apart and nothing more), and `unavailable` when no
 * key to check it with can be had.
 */
export type TokenVerifier = (token: string) => Promise<Identity> | Identity

export type Ports = Readonly<{ tasks: TaskStore; now: Clock; newId: NewId }>
