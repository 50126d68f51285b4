import { DomainError } from '../domain/errors.ts'
import type { UserId } from '../domain/task.ts'
import type { Version } from '../domain/version.ts'
import type { IdempotencyKey, IdempotencyRecord, RecordedChange, TaskStore } from './ports.ts'

/** Undefined without one. Throws `key-reused` for another request. */
export const findRecord = async (
  tasks: TaskStore,
  actor: UserId,
  { key, request }: IdempotencyKey,
): Promise<IdempotencyRecord | undefined> => {
  const record = await tasks.idempotencyRecord(actor, key)
  if (record === undefined || record.request === request) return record
  throw new DomainError(
    'key-reused',
    'This Idempotency-Key came with another request before. Use a new key for each request.',
  )
}

export const withVersions = (changes: string, base: Version): RecordedChange[] =>
  (JSON.parse(changes) as RecordedChange[]).map((change) => ({
    ...change,
    version: change.version ?? { ...base, revision: base.revision + change.revisionOffset },
  }))
