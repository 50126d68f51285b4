import type { Operation } from '../../domain/changeset.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Task, UserId } from '../../domain/task.ts'
import type { Version } from '../../domain/version.ts'
import { execute, type WritePorts } from '../execute.ts'
import type { IdempotencyKey } from '../ports.ts'

export type TaskResult = Readonly<{ task: Task; version: Version; replayed: boolean }>

/** Throws `not-found` when the request had been executed before and its task was deleted since. */
export const executeOne = async (
  ports: WritePorts,
  actor: UserId,
  operation: Exclude<Operation, { op: 'delete' }>,
  key?: IdempotencyKey,
): Promise<TaskResult> => {
  const { changes, replayed } = await execute(ports, actor, [operation], key)
  const [only] = changes
  if (only?.change.op !== 'upsert') {
    throw new DomainError(
      'not-found',
      'This request was executed before, and its task has been deleted since.',
    )
  }
  return { task: only.change.task, version: only.version, replayed }
}
