import type { Revision, TaskId, UserId } from '../domain/task.ts'

/** A task as it is stored. */
export type TaskRow = Readonly<{
  owner: UserId
  id: TaskId
  revision: Revision
  timeline: string
  document: string
}>

/** By owner, and by revision within one. */
export type TaskRows = Iterable<TaskRow> | AsyncIterable<TaskRow>

/** A storage and a copy of it that was made while it changed. */
export type Copy = Readonly<{
  /** What both have to have: without what was changed between the two. */
  original(): TaskRows
  copied(): TaskRows
  /** All of the copy. */
  all(): TaskRows
  close(): void | Promise<void>
}>
