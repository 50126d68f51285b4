import { notFoundOrForbidden } from '../../domain/access.ts'
import { parseTaskId, type UserId } from '../../domain/task.ts'
import type { Ports, StoredTask } from '../ports.ts'

/** Throws `forbidden` for another user's task and `not-found` when there is none. */
export const getTask =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  async (actor: UserId, id: string): Promise<StoredTask> => {
    const key = parseTaskId(id)
    if (key === undefined) throw notFoundOrForbidden(false)
    const task = await tasks.get(actor, key)
    if (task) return task
    throw notFoundOrForbidden(await tasks.exists(key))
  }
