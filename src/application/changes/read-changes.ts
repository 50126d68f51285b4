import {
  type Change,
  currentVersion,
  type FeedPosition,
  requireContinuity,
} from '../../domain/change.ts'
import type { Revision, UserId } from '../../domain/task.ts'
import { timelineAt, type Version } from '../../domain/version.ts'
import type { Json } from '../json.ts'
import type { TaskStore } from '../ports.ts'

/** `position` is where to continue; `more`: there are changes after it already. */
export type ChangePage = Readonly<{
  changes: Json<readonly Change[]>
  empty: boolean
  position: FeedPosition
  more: boolean
  /** At the moment of reading. */
  version: Version
  versionAt(revision: Revision): Version
  positionAt(revision: Revision): FeedPosition
}>

/** Without a position: from the start, without deletions. */
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
  const reached = (feed.more ? feed.last : undefined) ?? feed.revision
  const snapshot = from ? from.snapshot : feed.revision
  const positionAt = (revision: Revision): FeedPosition => ({
    revision,
    timeline: timelineAt(feed.timelines, revision),
    snapshot: snapshot !== null && snapshot > revision ? snapshot : null,
  })
  return {
    changes: feed.changes,
    empty: feed.last === undefined,
    more: feed.more,
    position: positionAt(reached),
    version: currentVersion(feed),
    versionAt: (revision) => ({ revision, timeline: timelineAt(feed.timelines, revision) ?? '' }),
    positionAt,
  }
}
