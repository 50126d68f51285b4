import type { Precondition } from '../../domain/access.ts'
import type { TaskPatch, UserId } from '../../domain/task.ts'
import type { WritePorts } from '../execute.ts'
import type { IdempotencyKey } from '../ports.ts'
import { executeOne, type TaskResult } from './execute-one.ts'

/** Merges: absent fields stay, null clears. A patch that changes nothing takes no revision. */
export const updateTask =
  (ports: WritePorts) =>
  (
    actor: UserId,
    id: string,
    patch: TaskPatch,
    precondition: Precondition = 'any',
    key?: IdempotencyKey,
  ): Promise<TaskResult> =>
    executeOne(ports, actor, { op: 'update', id, patch, precondition }, key)
