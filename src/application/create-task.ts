import { newTask, type Task, type TaskDraft, type UserId } from '../domain/task.ts'
import type { Ports } from './ports.ts'

/** Throws `invalid` with every bad field, and `quota-exceeded` when the actor has `quota` tasks. */
export const createTask =
  ({ tasks, now, newId }: Pick<Ports, 'tasks' | 'now' | 'newId'>, quota: number) =>
  async (actor: UserId, draft: TaskDraft): Promise<Task> => {
    const at = now()
    return tasks.create(newTask(newId(at), actor, draft, at), quota)
  }
