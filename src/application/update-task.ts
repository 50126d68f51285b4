import type { Precondition } from '../domain/access.ts'
import type { Task, TaskPatch, UserId } from '../domain/task.ts'
import { carryOutOne, type Once } from './carry-out.ts'
import type { Ports } from './ports.ts'

/** Merges: absent fields stay, null clears. A patch that changes nothing is not written. */
export const updateTask =
  (ports: Pick<Ports, 'tasks' | 'now' | 'newId'>) =>
  (
    actor: UserId,
    id: string,
    patch: TaskPatch,
    precondition: Precondition = 'any',
    once?: Once,
  ): Promise<Task> =>
    carryOutOne(ports, actor, { op: 'update', id, patch, precondition }, { once })
