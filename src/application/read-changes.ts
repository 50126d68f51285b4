import {
  type Change,
  type FeedPosition,
  historyAt,
  type Reminded,
  requireContinuity,
} from '../domain/change.ts'
import type { Revision, UserId } from '../domain/task.ts'
import type { TaskStore } from './ports.ts'

/** `position` is where to go on from; with `more` there is something to be had there already. */
export type ChangePage = Readonly<{
  changes: readonly Change[]
  /** The changes as a JSON array. */
  json: string
  position: FeedPosition
  more: boolean
  /** Where to go on from after the change with that revision. */
  after(revision: Revision): FeedPosition
  reminded: Reminded
}>

/** At most `limit` changes after a position; from the start, without deletions, when there is none. */
export const readChanges = async (
  tasks: TaskStore,
  actor: UserId,
  from: FeedPosition | null,
  limit: number,
): Promise<ChangePage> => {
  const after = from?.revision ?? 0
  const deletionsAfter = from && Math.max(after, from.snapshot ?? 0)
  const feed = await tasks.changes(actor, after, deletionsAfter, limit)
  if (from) requireContinuity(from, feed)
  const revision = (feed.more ? feed.last : undefined) ?? feed.revision
  const snapshot = from ? from.snapshot : feed.revision
  const positionAt = (reached: Revision): FeedPosition => ({
    revision: reached,
    history: historyAt(feed.marks, reached),
    snapshot: snapshot !== null && snapshot > reached ? snapshot : null,
  })
  return {
    get changes() {
      return feed.changes
    },
    get json() {
      return feed.json
    },
    more: feed.more,
    reminded: feed.reminded,
    position: positionAt(revision),
    after: positionAt,
  }
}
