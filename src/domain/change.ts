import { DomainError } from './errors.ts'
import type { Revision, Task, TaskId } from './task.ts'
import { type Timeline, timelineAt, type Version } from './version.ts'

export type Change =
  | Readonly<{ op: 'upsert'; revision: Revision; task: Task }>
  | Readonly<{ op: 'delete'; revision: Revision; id: TaskId }>

/** A null `timeline` is unknown. A snapshot begun at `snapshot` needs no earlier deletion. */
export type FeedPosition = Readonly<{
  revision: Revision
  timeline: string | null
  snapshot: Revision | null
}>

/** `compactedRevision` is that of the newest tombstone that was purged; timelines are in order. */
export type FeedState = Readonly<{
  revision: Revision
  compactedRevision: Revision
  timelines: readonly Timeline[]
}>

export const currentVersion = ({ revision, timelines }: FeedState): Version => ({
  revision,
  timeline: timelines.at(-1)?.name ?? '',
})

/** Throws `gone` when not all changes since a position are known in the present timeline. */
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
