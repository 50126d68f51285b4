import type { Task, TaskDraft, UserId } from '../domain/task.ts'
import { carryOutOne, type Once, type Writing } from './carry-out.ts'

/** Throws `invalid` with every bad field, and `quota-exceeded` when the actor has `quota` tasks. */
export const createTask =
  (ports: Writing, quota: number) =>
  (actor: UserId, draft: TaskDraft, once?: Once): Promise<Task> =>
    carryOutOne(ports, actor, { op: 'create', draft }, { quota, once })
