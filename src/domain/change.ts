import { DomainError } from './errors.ts'
import type { Revision, Task, TaskId } from './task.ts'
import { type Timeline, timelineAt, type Version } from './version.ts'

/** The current state of a task that has changed, or that it was deleted. */
export type Change =
  | Readonly<{ op: 'upsert'; revision: Revision; task: Task }>
  | Readonly<{ op: 'delete'; revision: Revision; id: TaskId }>

/**
 * How far a client has followed the changes: up to `revision`, reached in `timeline` (null when that
 * is not known). While a snapshot that began at revision `snapshot` is being read, no earlier deletion
 * is needed.
 */
export type FeedPosition = Readonly<{
  revision: Revision
  timeline: string | null
  snapshot: Revision | null
}>

/** An owner's newest revision, the newest tombstone that was purged, and the known timelines in order. */
export type FeedState = Readonly<{
  revision: Revision
  compactedRevision: Revision
  timelines: readonly Timeline[]
}>

/** The version that an owner is at. */
export const currentVersion = ({ revision, timelines }: FeedState): Version => ({
  revision,
  timeline: timelines.at(-1)?.name ?? '',
})

/** Throws `gone` when the changes since a position are not all known, or the position is not of this timeline. */
export const requireContinuity = (from: FeedPosition, state: FeedState): void => {
  const { revision, timeline, snapshot } = from
  const ahead = revision > state.revision
  const foreign = timeline !== null && timeline !== timelineAt(state.timelines, revision)
  const purged = (snapshot ?? revision) < state.compactedRevision
  if (!ahead && !foreign && !purged) return
  throw new DomainError(
    'gone',
    ahead || foreign
      ? 'This position does not exist here, or no longer does. Start again without since, and replace what you have.'
      : 'Deletions since this position have been purged. Start again without since, and replace what you have.',
  )
}

/** The revision of the last reminder of each task. */
export type Reminders = Readonly<Record<TaskId, Revision>>
