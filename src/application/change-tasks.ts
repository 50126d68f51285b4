import type { Change } from '../domain/change.ts'
import type { Operation } from '../domain/plan.ts'
import type { UserId } from '../domain/task.ts'
import { carryOut, type Once, type Writing } from './carry-out.ts'

/**
 * Carries out all operations or none, one after the other; answers the change that each has made.
 * An error names the operation it is about.
 */
export const changeTasks =
  (ports: Writing, quota: number) =>
  (actor: UserId, operations: readonly Operation[], once?: Once): Promise<Change[]> =>
    carryOut(ports, actor, operations, { quota, once, batch: true })
