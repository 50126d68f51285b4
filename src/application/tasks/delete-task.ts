import type { Precondition } from '../../domain/access.ts'
import type { UserId } from '../../domain/task.ts'
import { execute, type WritePorts } from '../execute.ts'
import type { IdempotencyKey } from '../ports.ts'

/** For good; a second call throws `not-found`. */
export const deleteTask =
  (ports: WritePorts) =>
  async (
    actor: UserId,
    id: string,
    precondition: Precondition = 'any',
    key?: IdempotencyKey,
  ): Promise<{ replayed: boolean }> => {
    const { replayed } = await execute(ports, actor, [{ op: 'delete', id, precondition }], key)
    return { replayed }
  }
