import type { Task, TaskDraft, UserId } from '../domain/task.ts'
import { carryOutOne, type Once } from './carry-out.ts'
import type { Ports } from './ports.ts'

/** Throws `invalid` with every bad field, and `quota-exceeded` when the actor has `quota` tasks. */
export const createTask =
  (ports: Pick<Ports, 'tasks' | 'now' | 'newId'>, quota: number) =>
  (actor: UserId, draft: TaskDraft, once?: Once): Promise<Task> =>
    carryOutOne(ports, actor, { op: 'create', draft }, { quota, once })
