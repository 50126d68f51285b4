import type { Precondition } from '../domain/access.ts'
import type { Task, TaskPatch, UserId } from '../domain/task.ts'
import { carryOutOne, type Once, type Writing } from './carry-out.ts'

/** Merges: absent fields stay, null clears. A patch that changes nothing is not written. */
export const updateTask =
  (ports: Writing) =>
  (
    actor: UserId,
    id: string,
    patch: TaskPatch,
    precondition: Precondition = 'any',
    once?: Once,
  ): Promise<Task> =>
    carryOutOne(ports, actor, { op: 'update', id, patch, precondition }, { once })
