import type { TaskDraft, UserId } from '../../domain/task.ts'
import type { WritePorts } from '../execute.ts'
import type { IdempotencyKey } from '../ports.ts'
import { executeOne, type TaskResult } from './execute-one.ts'

/** Throws `invalid` with every bad field, and `quota-exceeded` when the actor has no room left. */
export const createTask =
  (ports: WritePorts) =>
  (actor: UserId, draft: TaskDraft, key?: IdempotencyKey): Promise<TaskResult> =>
    executeOne(ports, actor, { op: 'create', draft }, key)
