import type { Task } from '../../domain/task.ts'

export const COLUMNS =
  'id, user_id, title, description, completed, priority, due_date, remind_at, reminded_at, created_at, updated_at, revision'

/** A row of `COLUMNS`: SQLite has no booleans. */
export type Row = Omit<Task, 'completed'> & { completed: number }

export const toTask = (row: Row): Task => ({ ...row, completed: row.completed === 1 })
