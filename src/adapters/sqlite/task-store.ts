import type { TaskStore } from '../../application/ports.ts'
import { quotaExceeded } from '../../domain/access.ts'
import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'
import { codeOf, openDatabase } from './database.ts'
import { listRows } from './list-tasks.ts'
import { COLUMNS, type Row, toTask } from './task-row.ts'
import { taskWrites } from './write-tasks.ts'

/**
 * Keeps the tasks in one SQLite file, for one process; a write is on disk before its promise
 * resolves. Throws an Error that says what to do when the file cannot be used.
 */
export const sqliteTaskStore = (path: string): { tasks: TaskStore; close(): void } => {
  const { db, close } = openDatabase(path)
  const writes = taskWrites(db)
  const selectTask = db.query<Row, [string, string]>(
    `select ${COLUMNS} from tasks where user_id = ? and id = ?`,
  )
  const selectRevision = db.query<{ revision: number }, [string]>(
    'select revision from users where id = ?',
  )
  const selectId = db.query<unknown, [string]>('select 1 from tasks where id = ?')
  const selectOne = db.query<unknown, []>('select 1')
  const revisionOf = (owner: UserId): number => selectRevision.get(owner)?.revision ?? 0

  const tasks: TaskStore = {
    get: (owner, id) =>
      attempt(() => {
        const row = selectTask.get(owner, id)
        return row ? toTask(row) : undefined
      }),
    list: (owner, query, page) =>
      attempt(() => {
        const rows = listRows(db, owner, query, page)
        const found = rows.slice(0, page.limit ?? undefined).map(toTask)
        return { tasks: found, more: found.length < rows.length, revision: revisionOf(owner) }
      }),
    create: (task, quota) =>
      attempt(() => {
        const created = writes.create(task, quota)
        if (!created) throw quotaExceeded(quota)
        return created
      }),
    replace: (task) => attempt(() => writes.replace(task)),
    remove: (task) => attempt(() => writes.remove(task)),
    removeOwner: (owner) => attempt(() => writes.removeOwner(owner)),
    revision: (owner) => attempt(() => revisionOf(owner)),
    exists: (id) => attempt(() => selectId.get(id) !== null),
    ready: () => attempt(() => void selectOne.get()),
  }
  return { tasks, close }
}

const attempt = async <Result>(step: () => Result): Promise<Result> => {
  try {
    return step()
  } catch (error) {
    if (!/^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN)/.test(codeOf(error) ?? '')) throw error
    throw new DomainError('unavailable', 'The storage cannot be used right now. Try again.', {
      cause: error,
    })
  }
}
