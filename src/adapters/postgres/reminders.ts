import type { TaskStore } from '../../application/ports.ts'
import type { Instant } from '../../domain/due-date.ts'
import type { TaskId, UserId } from '../../domain/task.ts'
import type { Query } from './client.ts'

export const reminders = (query: Query): Pick<TaskStore, 'reminders'> => ({
  reminders: (limit) =>
    query<{ owner: UserId; id: TaskId; at: Instant }>(REMINDERS, [String(limit)], 'all'),
})

/** Citus takes no subquery as the limit of a read over all users. */
export const REMINDERS = `
  select user_id as owner, id, remind_key as at from taskport.tasks
  where remind_key is not null order by remind_key limit $1::text::bigint`
