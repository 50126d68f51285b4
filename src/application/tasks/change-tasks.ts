import type { Change } from '../../domain/change.ts'
import type { Operation } from '../../domain/changeset.ts'
import type { UserId } from '../../domain/task.ts'
import { execute, type WritePorts } from '../execute.ts'
import { fairShare } from '../fair-share.ts'
import type { IdempotencyKey } from '../ports.ts'
import { turn } from '../turn.ts'

/** Operations under way at once, of all users and of one: a large batch takes milliseconds. */
const SHARE = { capacity: 400, perOwner: 100 }

/** All operations or none, one after the other. Errors name the operation that failed. */
export const changeTasks = (ports: WritePorts) => {
  const share = fairShare(SHARE)

  return async (
    actor: UserId,
    operations: readonly Operation[],
    key?: IdempotencyKey,
  ): Promise<{ changes: Change[]; replayed: boolean }> => {
    const held = await share.take(actor, Math.min(operations.length, SHARE.perOwner))
    try {
      await turn()
      const { changes, replayed } = await execute(ports, actor, operations, key)
      return { changes: changes.map(({ change }) => change), replayed }
    } finally {
      held.settle(0)
    }
  }
}
