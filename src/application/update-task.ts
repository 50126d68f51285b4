import type { Precondition } from '../domain/access.ts'
import { editTask, type Task, type TaskPatch, type UserId } from '../domain/task.ts'
import { changeTask } from './change-task.ts'
import type { Ports } from './ports.ts'

/** Merges: absent fields stay, null clears. A patch that changes nothing is not written. */
export const updateTask =
  ({ tasks, now }: Pick<Ports, 'tasks' | 'now'>) =>
  (
    actor: UserId,
    id: string,
    patch: TaskPatch,
    precondition: Precondition = 'any',
  ): Promise<Task> =>
    changeTask(tasks, actor, id, precondition, async (task) => {
      const edited = editTask(task, patch, now())
      return edited === task ? task : tasks.replace(edited)
    })
