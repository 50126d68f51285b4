import type { Database } from 'bun:sqlite'
import type { TaskStore } from '../../application/ports.ts'
import type { Instant } from '../../domain/due-date.ts'
import type { TaskId, UserId } from '../../domain/task.ts'
import { attempt } from './attempt.ts'

export const reminders = (db: Database): Pick<TaskStore, 'reminders'> => {
  const select = db.query<{ owner: UserId; id: TaskId; at: Instant }, [number]>(`
    select user_id as owner, id, remind_key as at from tasks
    where remind_key is not null order by remind_key limit +?`)
  return { reminders: (limit) => attempt(() => select.all(limit)) }
}
