import type { Task, UserId } from '../domain/task.ts'
import { findTask } from './find-task.ts'
import type { Ports } from './ports.ts'

/** Throws `forbidden` for another user's task and `not-found` when there is none. */
export const getTask =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  (actor: UserId, id: string): Promise<Task> =>
    findTask(tasks, actor, id)
