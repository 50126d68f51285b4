import type { Change } from '../../domain/change.ts'
import type { Operation } from '../../domain/changeset.ts'
import type { UserId } from '../../domain/task.ts'
import { execute, type WritePorts } from '../execute.ts'
import type { IdempotencyKey } from '../ports.ts'

/** All operations or none, one after the other. Errors name the operation that failed. */
export const changeTasks =
  (ports: WritePorts) =>
  async (
    actor: UserId,
    operations: readonly Operation[],
    key?: IdempotencyKey,
  ): Promise<{ changes: Change[]; replayed: boolean }> => {
    const { changes, replayed } = await execute(ports, actor, operations, key)
    return { changes: changes.map(({ change }) => change), replayed }
  }
