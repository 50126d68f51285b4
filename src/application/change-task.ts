import { outOfReach, type Precondition, requireCurrent } from '../domain/access.ts'
import { DomainError } from '../domain/errors.ts'
import { parseTaskId, type Task, type UserId } from '../domain/task.ts'
import type { TaskStore } from './ports.ts'

const ATTEMPTS = 100

/** The actor's task, else `forbidden` when it is another user's, else `not-found`. */
export const findTask = async (tasks: TaskStore, actor: UserId, id: string): Promise<Task> => {
  const key = parseTaskId(id)
  if (key === undefined) throw outOfReach(false)
  const task = await tasks.get(actor, key)
  if (task) return task
  throw outOfReach(await tasks.exists(key))
}

/**
 * Reads the actor's task, checks the precondition and lets `write` decide and store; starts over
 * while `write` answers undefined because somebody else was faster.
 */
export const changeTask = async <Result>(
  tasks: TaskStore,
  actor: UserId,
  id: string,
  precondition: Precondition,
  write: (task: Task) => Promise<Result | undefined>,
): Promise<Result> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const task = await findTask(tasks, actor, id)
    requireCurrent(task, precondition)
    const result = await write(task)
    if (result !== undefined) return result
  }
  throw new DomainError('unavailable', 'This task is changing too fast right now. Try again.')
}
