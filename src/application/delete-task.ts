import type { Precondition } from '../domain/access.ts'
import type { UserId } from '../domain/task.ts'
import { carryOut, type Once, type Writing } from './carry-out.ts'

/** Removes the task for good; a second call throws `not-found`. */
export const deleteTask =
  (ports: Writing) =>
  async (
    actor: UserId,
    id: string,
    precondition: Precondition = 'any',
    once?: Once,
  ): Promise<void> => {
    await carryOut(ports, actor, [{ op: 'delete', id, precondition }], { once })
  }
