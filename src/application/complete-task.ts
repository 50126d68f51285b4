import type { Precondition } from '../domain/access.ts'
import { setCompleted, type Task, type UserId } from '../domain/task.ts'
import { changeTask } from './change-task.ts'
import type { Ports } from './ports.ts'

/** Without `want` it toggles; with it, repeating the call changes nothing. */
export const completeTask =
  ({ tasks, now }: Pick<Ports, 'tasks' | 'now'>) =>
  (actor: UserId, id: string, want?: boolean, precondition: Precondition = 'any'): Promise<Task> =>
    changeTask(tasks, actor, id, precondition, async (task) => {
      const set = setCompleted(task, want ?? !task.completed, now())
      return set === task ? task : tasks.replace(set)
    })
