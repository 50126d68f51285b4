import type { Database } from 'bun:sqlite'
import { withVersions } from '../../application/idempotency.ts'
import type { IdempotencyRecord } from '../../application/ports.ts'
import type { Revision, UserId } from '../../domain/task.ts'
import type { Version } from '../../domain/version.ts'

type Row = Omit<IdempotencyRecord, 'changes'> &
  Readonly<{ changes: string; base_revision: Revision; timeline: string }>

export const idempotencyRecords = (db: Database) => {
  const select = db.query<Row, [string, string]>(`
    select key, request, changes, base_revision, timeline, at from idempotency_records
    where user_id = ? and key = ?`)
  const insert = db.query(`
    insert into idempotency_records (user_id, key, request, changes, base_revision, timeline, at)
    values (?, ?, ?, ?, ?, ?, ?)`)

  return {
    has: (owner: UserId, key: string): boolean => select.get(owner, key) !== null,

    get: (owner: UserId, key: string): IdempotencyRecord | undefined => {
      const row = select.get(owner, key)
      if (!row) return undefined
      const { base_revision: revision, timeline, changes, ...record } = row
      return { ...record, changes: withVersions(changes, { revision, timeline }) }
    },

    store: (owner: UserId, record: IdempotencyRecord, base: Version): void => {
      const { key, request, changes, at } = record
      insert.run(owner, key, request, JSON.stringify(changes), base.revision, base.timeline, at)
    },
  }
}
