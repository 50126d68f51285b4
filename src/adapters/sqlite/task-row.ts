import type { Task } from '../../domain/task.ts'

export const COLUMNS =
  'id, user_id, title, description, completed, priority, due_date, remind_at, reminded_at, created_at, updated_at, revision'

/** Without `not indexed` it would be found in the index of the ids first, and then by its key. */
export const GET = `select ${COLUMNS} from tasks not indexed where user_id = ? and id = ?`

/** A row of `COLUMNS`: SQLite has no booleans. */
export type Row = Omit<Task, 'completed'> & { completed: number }

export const toTask = (row: Row): Task => ({ ...row, completed: row.completed === 1 })
