import type { TaskStore } from '../../application/ports.ts'
import type { Instant } from '../../domain/due-date.ts'
import type { TaskId, UserId } from '../../domain/task.ts'
import type { Query } from './client.ts'

export const reminders = (query: Query): Pick<TaskStore, 'reminders'> => ({
  reminders: (limit) =>
    query<{ owner: UserId; id: TaskId; at: Instant }>(REMINDERS, [String(limit)]),
})

/** As for lists, a limit that the planner cannot see keeps it from sorting. */
export const REMINDERS = `
  select user_id as owner, id, remind_key as at from taskport.tasks
  where remind_key is not null order by remind_key limit (select $1::text::bigint)`
