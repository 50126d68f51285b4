import type { Precondition } from '../domain/access.ts'
import type { UserId } from '../domain/task.ts'
import { changeTask } from './change-task.ts'
import type { Ports } from './ports.ts'

/** Removes the task for good; a second call throws `not-found`. */
export const deleteTask =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  async (actor: UserId, id: string, precondition: Precondition = 'any'): Promise<void> => {
    await changeTask(tasks, actor, id, precondition, async (task) =>
      (await tasks.remove(task)) ? true : undefined,
    )
  }
