import type { Precondition } from '../../domain/access.ts'
import type { UserId } from '../../domain/task.ts'
import type { WritePorts } from '../execute.ts'
import type { IdempotencyKey } from '../ports.ts'
import { executeOne, type TaskResult } from './execute-one.ts'

/** Without `want` it toggles; with it, repeating the call changes nothing. */
export const completeTask =
  (ports: WritePorts) =>
  (
    actor: UserId,
    id: string,
    want?: boolean,
    precondition: Precondition = 'any',
    key?: IdempotencyKey,
  ): Promise<TaskResult> =>
    executeOne(ports, actor, { op: 'complete', id, want, precondition }, key)
