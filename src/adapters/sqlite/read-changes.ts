import type { Database } from 'bun:sqlite'
import { type Feed, type FoundChange, feedOf } from '../../application/feed.ts'
import type { Mark } from '../../domain/change.ts'
import type { Revision, TaskId, UserId } from '../../domain/task.ts'

type State = { revision: Revision; purged: Revision; marks: string }
type Row = FoundChange & { reminded_revision: Revision }

/** Walks the two indexes by revision; nothing else can write between its queries. `+?` as for lists. */
export const UPSERTS = `
  select revision, id, served, reminded_revision from tasks
  where user_id = +? and revision > +? order by revision limit +?`
const DELETIONS = `
  select revision, id, null as served from deletions
  where user_id = +? and revision > +? order by revision limit +?`

export const changeReader = (db: Database) => {
  const state = db.query<State, [string]>('select revision, purged, marks from users where id = ?')
  const upserts = db.query<Row, [string, number, number]>(UPSERTS)
  const deletions = db.query<FoundChange, [string, number, number]>(DELETIONS)

  return (owner: UserId, after: Revision, deletionsAfter: Revision | null, limit: number): Feed => {
    const changed = upserts.all(owner, after, limit + 1)
    const gone = deletionsAfter === null ? [] : deletions.all(owner, deletionsAfter, limit + 1)
    const reminded: Record<TaskId, Revision> = {}
    for (const { id, reminded_revision } of changed) {
      if (reminded_revision > after) reminded[id] = reminded_revision
    }
    const { marks, ...known } = state.get(owner) ?? { revision: 0, purged: 0, marks: '[]' }
    return feedOf(
      { ...known, marks: JSON.parse(marks) as Mark[], reminded },
      [...changed, ...gone].sort((a, b) => a.revision - b.revision),
      limit,
    )
  }
}
