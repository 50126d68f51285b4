import { DomainError } from './errors.ts'
import type { Revision, Task, TaskId } from './task.ts'

/** What has become of a task: its state, or that it is gone. */
export type Change =
  | Readonly<{ op: 'upsert'; revision: Revision; task: Task }>
  | Readonly<{ op: 'delete'; revision: Revision; id: TaskId }>

/**
 * Names the history in which an owner's revisions came to be, from `revision` on. A database that was
 * put back to an earlier state goes on under another name, though it counts on from the same number.
 * A name has 1 to 32 letters a to z and digits.
 */
export type Mark = Readonly<{ revision: Revision; history: string }>

/**
 * How far somebody has followed the changes: up to `revision`, which was reached in `history` (null
 * when that is not known). Who is still reading a snapshot that began at revision `snapshot` needs
 * no deletion from before it.
 */
export type FeedPosition = Readonly<{
  revision: Revision
  history: string | null
  snapshot: Revision | null
}>

/** An owner's newest revision, the newest deletion forgotten, and the newest marks, 32 at most. */
export type FeedState = Readonly<{ revision: Revision; purged: Revision; marks: readonly Mark[] }>

/** The name of the history at a revision; null when it has none, as before the first change. */
export const historyAt = (marks: readonly Mark[], revision: Revision): string | null =>
  marks.findLast((mark) => mark.revision <= revision)?.history ?? null

/** Throws `gone` when the changes from there on are not all known, or are not those of this history. */
export const requireContinuity = (from: FeedPosition, state: FeedState): void => {
  const { revision, history, snapshot } = from
  const ahead = revision > state.revision
  const elsewhere = history !== null && history !== historyAt(state.marks, revision)
  const forgotten = (snapshot ?? revision) < state.purged
  if (!ahead && !elsewhere && !forgotten) return
  throw new DomainError(
    'gone',
    forgotten && !ahead && !elsewhere
      ? 'Deletions since then have been forgotten. Start again without since, and replace what you have.'
      : 'This position is not of the history kept here. Start again without since, and replace what you have.',
  )
}

/** Which reminders a page of changes holds, by task. */
export type Reminded = Readonly<Record<TaskId, Revision>>
