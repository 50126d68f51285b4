import type { Database } from 'bun:sqlite'
import type { TaskStore } from '../../application/ports.ts'
import { BETWEEN, listOfJson } from '../../application/task-list.ts'
import type { UserId } from '../../domain/task.ts'
import { attempt } from './attempt.ts'
import { groupCommit } from './group.ts'
import { findServed } from './list-tasks.ts'
import { purger } from './purge.ts'
import { changeReader } from './read-changes.ts'
import { GET, type Row, toTask } from './task-row.ts'
import { taskWrites } from './write-tasks.ts'

type ReceiptRow = { key: string; request: string; changes: string; base: number }

/** In one SQLite file, for one process; a write is on disk before its promise resolves. */
export const sqliteTaskStore = (db: Database): TaskStore => {
  const { write, remind, removeOwner } = taskWrites(db)
  const together = groupCommit(db)
  const readChanges = changeReader(db)
  const purge = purger(db)
  const selectTask = db.query<Row, [string, string]>(GET)
  const selectRevision = db.query<{ revision: number }, [string]>(
    'select revision from users where id = ?',
  )
  const selectReceipt = db.query<ReceiptRow, [string, string]>(
    'select key, request, changes, base from receipts where user_id = ? and key = ?',
  )
  const selectId = db.query<unknown, [string]>('select 1 from tasks where id = ?')
  const selectOne = db.query<unknown, []>('select 1')
  const revisionOf = (owner: UserId): number => selectRevision.get(owner)?.revision ?? 0
  const taskOf = (owner: UserId, id: string) => {
    const row = selectTask.get(owner, id)
    return row ? toTask(row) : undefined
  }

  return {
    get: (owner, id) => attempt(() => taskOf(owner, id)),
    find: (owner, ids) => attempt(() => ids.flatMap((id) => taskOf(owner, id) ?? [])),
    list: (owner, query, page) =>
      attempt(() => {
        const found = findServed(db, owner, query, page)
        return listOfJson(found.join(BETWEEN), found.length, page.limit, revisionOf(owner))
      }),
    write: (step) => attempt(() => together(() => write(step))),
    receipt: (owner, key) =>
      attempt(() => {
        const row = selectReceipt.get(owner, key)
        return row ? { ...row, changes: JSON.parse(row.changes) } : undefined
      }),
    changes: (owner, after, deletionsAfter, limit) =>
      attempt(() => readChanges(owner, after, deletionsAfter, limit)),
    revisions: (owners) =>
      attempt(() =>
        owners.flatMap((owner) => {
          const revision = revisionOf(owner)
          return revision > 0 ? [{ owner, revision }] : []
        }),
      ),
    remind: (now, limit) => attempt(() => remind(now, limit)),
    removeOwner: (owner) => attempt(() => removeOwner(owner)),
    purge: (...horizon) => attempt(() => purge(...horizon)),
    exists: (id) => attempt(() => selectId.get(id) !== null),
    ready: () => attempt(() => void selectOne.get()),
  }
}
