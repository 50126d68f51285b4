import { outOfReach } from '../domain/access.ts'
import { parseTaskId, type Task, type UserId } from '../domain/task.ts'
import type { TaskStore } from './ports.ts'

/** The actor's task, else `forbidden` when it is another user's, else `not-found`. */
export const findTask = async (tasks: TaskStore, actor: UserId, id: string): Promise<Task> => {
  const key = parseTaskId(id)
  if (key === undefined) throw outOfReach(false)
  const task = await tasks.get(actor, key)
  if (task) return task
  throw outOfReach(await tasks.exists(key))
}
