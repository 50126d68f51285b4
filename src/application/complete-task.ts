import type { Precondition } from '../domain/access.ts'
import type { Task, UserId } from '../domain/task.ts'
import { carryOutOne, type Once } from './carry-out.ts'
import type { Ports } from './ports.ts'

/** Without `want` it toggles; with it, repeating the call changes nothing. */
export const completeTask =
  (ports: Pick<Ports, 'tasks' | 'now' | 'newId'>) =>
  (
    actor: UserId,
    id: string,
    want?: boolean,
    precondition: Precondition = 'any',
    once?: Once,
  ): Promise<Task> =>
    carryOutOne(ports, actor, { op: 'complete', id, want, precondition }, { once })
