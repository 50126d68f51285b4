import type { Database } from 'bun:sqlite'
import type { Feed } from '../../application/ports.ts'
import type { Change, Mark } from '../../domain/change.ts'
import type { Revision, TaskId, UserId } from '../../domain/task.ts'
import { COLUMNS, type Row, toTask } from './task-row.ts'

type State = { revision: Revision; purged: Revision; marks: string }
type Deletion = { revision: Revision; id: string }

/** Reads along the two indexes by revision; nothing else can write between its queries. */
export const changeReader = (db: Database) => {
  const state = db.query<State, [string]>('select revision, purged, marks from users where id = ?')
  const upserts = db.query<Row & { reminded_revision: Revision }, [string, number, number]>(`
    select ${COLUMNS}, reminded_revision from tasks where user_id = ? and revision > ? order by revision limit ?`)
  const deletions = db.query<Deletion, [string, number, number]>(`
    select revision, id from deletions where user_id = ? and revision > ? order by revision limit ?`)

  return (owner: UserId, after: Revision, deletionsAfter: Revision | null, limit: number): Feed => {
    const gone = deletionsAfter === null ? [] : deletions.all(owner, deletionsAfter, limit + 1)
    const reminded: Record<TaskId, Revision> = {}
    const all: Change[] = [
      ...upserts.all(owner, after, limit + 1).map(({ reminded_revision, ...row }): Change => {
        if (reminded_revision > after) reminded[row.id] = reminded_revision
        return { op: 'upsert', revision: row.revision, task: toTask(row) }
      }),
      ...gone.map((row): Change => ({ op: 'delete', ...row })),
    ].sort((a, b) => a.revision - b.revision)
    const changes = all.slice(0, limit)
    const { marks, ...known } = state.get(owner) ?? { revision: 0, purged: 0, marks: '[]' }
    return {
      ...known,
      marks: JSON.parse(marks) as Mark[],
      changes,
      reminded,
      more: changes.length < all.length,
    }
  }
}
