import type { Precondition } from '../domain/access.ts'
import type { UserId } from '../domain/task.ts'
import { carryOut, type Once } from './carry-out.ts'
import type { Ports } from './ports.ts'

/** Removes the task for good; a second call throws `not-found`. */
export const deleteTask =
  (ports: Pick<Ports, 'tasks' | 'now' | 'newId'>) =>
  async (
    actor: UserId,
    id: string,
    precondition: Precondition = 'any',
    once?: Once,
  ): Promise<void> => {
    await carryOut(ports, actor, [{ op: 'delete', id, precondition }], { once })
  }
