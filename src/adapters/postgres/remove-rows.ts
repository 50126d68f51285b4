import type postgres from 'postgres'
import type { UserId } from '../../domain/task.ts'

/** Answers how many rows it removed: a task that was being written meanwhile is left for the next run. */
export const removeOwnerStatement = (
  sql: postgres.Sql,
  owner: UserId,
): postgres.PendingQuery<{ gone: number }[]> => sql<{ gone: number }[]>`
  with tasks as (delete from taskport.tasks where user_id = ${owner}::text returning 1),
    users as (delete from taskport.users where id = ${owner}::text returning 1),
    deletions as (delete from taskport.deletions where user_id = ${owner}::text returning 1),
    receipts as (delete from taskport.receipts where user_id = ${owner}::text returning 1)
  select (select count(*) from tasks) + (select count(*) from users)
    + (select count(*) from deletions) + (select count(*) from receipts) as gone`

/** As `removeOwnerStatement` answers, but for at most `limit` rows of each kind. */
export const purgeStatement = (
  sql: postgres.Sql,
  deletionsBefore: string,
  receiptsBefore: string,
  limit: number,
): postgres.PendingQuery<{ gone: number }[]> => {
  const size = sql`${String(limit)}::text::bigint`
  return sql<{ gone: number }[]>`
    with old as (
      select user_id, revision from taskport.deletions
      where deleted_at < ${deletionsBefore}::text limit ${size} for update skip locked
    ), deletions as (
      delete from taskport.deletions as d using old
      where d.user_id = old.user_id and d.revision = old.revision
      returning d.user_id, d.revision
    ), noted as (
      update taskport.users as u set purged = greatest(u.purged, last.revision)
      from (select user_id, max(revision) as revision from deletions group by user_id) as last
      where u.id = last.user_id
    ), expired as (
      select user_id, key from taskport.receipts
      where stored_at < ${receiptsBefore}::text limit ${size} for update skip locked
    ), receipts as (
      delete from taskport.receipts as r using expired
      where r.user_id = expired.user_id and r.key = expired.key returning 1
    )
    select (select count(*) from deletions) + (select count(*) from receipts) as gone`
}
