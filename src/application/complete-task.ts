import type { Precondition } from '../domain/access.ts'
import type { Task, UserId } from '../domain/task.ts'
import { carryOutOne, type Once, type Writing } from './carry-out.ts'

/** Without `want` it toggles; with it, repeating the call changes nothing. */
export const completeTask =
  (ports: Writing) =>
  (
    actor: UserId,
    id: string,
    want?: boolean,
    precondition: Precondition = 'any',
    once?: Once,
  ): Promise<Task> =>
    carryOutOne(ports, actor, { op: 'complete', id, want, precondition }, { once })
