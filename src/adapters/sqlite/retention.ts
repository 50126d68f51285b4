import type { Database } from 'bun:sqlite'
import type { Horizon, TaskStore } from '../../application/ports.ts'
import type { Revision, UserId } from '../../domain/task.ts'
import { attempt } from './attempt.ts'
import type { GroupCommit } from './group-commit.ts'

/** Revisions after which an owner's superseded rows are looked for again. */
const SWEEP_EVERY = 1000

/** The row of a task's last change stays as long as the task. */
const NOT_CURRENT = `
  not exists (select 1 from tasks as t not indexed
    where t.user_id = c.user_id and t.id = c.id and t.revision = c.revision)`

export const retention = (
  db: Database,
  together: GroupCommit,
): Pick<TaskStore, 'expired' | 'purge'> => {
  const selectOwners = db.query<{ owner: UserId }, [string, string, number]>(`
    select user_id as owner from changes as c
    where op <> 'upsert' and at < ?1 and ${NOT_CURRENT}
    union select user_id from idempotency_records where at < ?2
    union select user_id from changes where before is not null and at < ?2
    union select id from users where deleted_at < ?1 or revision - swept_revision >= ${SWEEP_EVERY}
    limit +?3`)
  const deleteAccount = db.query('delete from users where id = ? and deleted_at < ?')
  const deleteOld = db.query<{ op: string; revision: Revision }, [string, string, number, number]>(`
    delete from changes where (user_id, revision) in (
      select user_id, revision from changes as c
      where user_id = ?1 and op <> 'upsert' and (at < ?2 or revision <= ?3) and ${NOT_CURRENT}
      order by revision limit ?4)
    returning op, revision`)
  const selectRevision = db.query<{ revision: Revision }, [string]>(
    'select revision from users where id = ?',
  )
  const raise = db.query(
    'update users set compacted_revision = max(compacted_revision, ?2) where id = ?1',
  )
  const deleteSuperseded = db.query(`
    delete from changes where (user_id, revision) in (
      select user_id, revision from changes as c
      where user_id = ?1 and op = 'upsert' and (before is null or at < ?2) and ${NOT_CURRENT}
      limit ?3)`)
  const clearBefore = db.query(`
    update changes set before = null where (user_id, revision) in (
      select user_id, revision from changes where user_id = ? and before is not null and at < ? limit ?)`)
  const noteSweep = db.query('update users set swept_revision = revision where id = ?')
  const deleteRecords = db.query(`
    delete from idempotency_records where (user_id, key) in (
      select user_id, key from idempotency_records where user_id = ? and at < ? limit ?)`)

  const purge = (
    owner: UserId,
    { tombstones, records, revisions }: Horizon,
    limit: number,
  ): number => {
    const least = (selectRevision.get(owner)?.revision ?? 0) - revisions
    const accounts = deleteAccount.run(owner, tombstones).changes
    const old = deleteOld.all(owner, tombstones, least, limit)
    const deletions = old.filter(({ op }) => op === 'delete').map(({ revision }) => revision)
    if (deletions.length > 0) raise.run(owner, Math.max(...deletions))
    const superseded = deleteSuperseded.run(owner, records, limit).changes
    if (superseded < limit) noteSweep.run(owner)
    const cleared = clearBefore.run(owner, records, limit).changes
    const expired = deleteRecords.run(owner, records, limit).changes
    return accounts + old.length + superseded + cleared + expired
  }

  return {
    expired: ({ tombstones, records }, limit) =>
      attempt(() => selectOwners.all(tombstones, records, limit).map(({ owner }) => owner)),
    purge: (...slice) => attempt(() => together(() => purge(...slice))),
  }
}
