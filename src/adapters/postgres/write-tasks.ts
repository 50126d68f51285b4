import type postgres from 'postgres'
import type { Step } from '../../application/ports.ts'
import type { Write } from '../../domain/plan.ts'
import { taskKeys, type UserId } from '../../domain/task.ts'

/** `base` is null when nothing was written: then `found` tells whether every task was as expected. */
export type Written = { base: number | null; found: boolean }

/**
 * One statement for a whole step. It locks the tasks at the revisions seen, in the order of their
 * ids; counts the owner up if none is missing; then changes the tasks. In this order a writer that
 * waited and lost finds something missing and takes no revision. A receipt with a key that is there
 * fails the statement, and with it everything.
 */
export const writeStatement = (
  sql: postgres.Sql,
  { owner, writes, taken, quota, at, receipt }: Step,
): postgres.PendingQuery<Written[]> => {
  const has = (op: Write['op']): boolean => writes.some((write) => write.op === op)
  const made = writes.filter(({ op }) => op === 'create').length
  const added = String(made - writes.filter(({ op }) => op === 'remove').length)
  const seen = String(writes.length - made)
  const locked =
    made < writes.length
      ? sql`, target as (
          select t.id from taskport.tasks as t
          join step on step.op <> 'create' and step.id = t.id and step.revision = t.revision
          where t.user_id = ${owner}::text
          order by t.id for update of t
        ), complete as (select count(*) = ${seen}::text::bigint as found from target)`
      : sql`, complete as (select true as found)`

  return sql<Written[]>`
    with step as (
      select * from json_to_recordset(${JSON.stringify(writes.map(rowOf))}::text::json) as s (
        op text, nth bigint, id uuid, revision bigint, title text, description text,
        completed boolean, priority text, due_date text, created_at text, updated_at text,
        title_key text, due_key text, search_text text)
    )${locked}, owner as (
      insert into taskport.users as u (id, revision, task_count)
      select ${owner}::text, ${String(taken)}::text::bigint, ${added}::text::integer from complete
      where found and ${added}::text::integer <= greatest(${String(quota)}::text::integer, 0)
      on conflict (id) do update set revision = u.revision + excluded.revision,
        task_count = u.task_count + excluded.task_count
      where u.task_count + excluded.task_count <= ${String(quota)}::text::integer
        or excluded.task_count <= 0
      returning revision - ${String(taken)}::text::bigint as base
    )
    ${taken > 0 ? marked(sql, owner, at) : sql``}
    ${has('create') ? created(sql, owner) : sql``}
    ${has('replace') ? replaced(sql, owner) : sql``}
    ${has('remove') ? removed(sql, owner, at) : sql``}
    ${receipt ? stored(sql, owner, at, receipt) : sql``}
    select (select base from owner) as base, found from complete`
}

const rowOf = ({ op, task, nth }: Write) => ({
  op,
  nth,
  ...(op === 'create' || op === 'replace' ? { ...task, ...taskKeys(task) } : { id: task.id }),
  ...('revision' in task && { revision: task.revision }),
})

/**
 * No two histories share an epoch: it changes with every start of the server, wherever that reads
 * its files from, and with every table that takes this one's place.
 */
const marked = (sql: postgres.Sql, owner: UserId, at: string) => sql`, mark as (
  insert into taskport.marks (user_id, revision, epoch, history, marked_at)
  select ${owner}::text, owner.base + 1, epoch, substr(md5(gen_random_uuid()::text), 1, 16), ${at}::text
  from owner, (select extract(epoch from pg_postmaster_start_time())::text
    || ' ' || pg_relation_filenode('taskport.users')::text as epoch) as present
  where not exists (
    select 1 from taskport.marks as m where m.user_id = ${owner}::text and m.epoch = present.epoch)
  on conflict do nothing
)`

const created = (sql: postgres.Sql, owner: UserId) => sql`, created as (
  insert into taskport.tasks (id, user_id, title, description, completed, priority, due_date,
    created_at, updated_at, revision, title_key, due_key, search_text)
  select id, ${owner}::text, title, description, completed, priority, due_date, created_at,
    updated_at, owner.base + nth, title_key, due_key, search_text
  from step, owner where op = 'create'
)`

const replaced = (sql: postgres.Sql, owner: UserId) => sql`, replaced as (
  update taskport.tasks as t set title = step.title, description = step.description,
    completed = step.completed, priority = step.priority, due_date = step.due_date,
    updated_at = step.updated_at, revision = owner.base + step.nth, title_key = step.title_key,
    due_key = step.due_key, search_text = step.search_text
  from step, owner where step.op = 'replace' and t.user_id = ${owner}::text and t.id = step.id
)`

const removed = (sql: postgres.Sql, owner: UserId, at: string) => sql`, removed as (
  delete from taskport.tasks as t using step, owner
  where step.op = 'remove' and t.user_id = ${owner}::text and t.id = step.id
), buried as (
  insert into taskport.deletions (user_id, revision, id, deleted_at)
  select ${owner}::text, owner.base + nth, id, ${at}::text from step, owner where op = 'remove'
)`

const stored = (
  sql: postgres.Sql,
  owner: UserId,
  at: string,
  { key, request, changes }: NonNullable<Step['receipt']>,
) => sql`, stored as (
  insert into taskport.receipts (user_id, key, request, changes, base, stored_at)
  select ${owner}::text, ${key}::text, ${request}::text, ${JSON.stringify(changes)}::text, base,
    ${at}::text
  from owner
)`

/** Answers how many rows it removed: a task that was being written meanwhile is left for the next run. */
export const removeOwnerStatement = (
  sql: postgres.Sql,
  owner: UserId,
): postgres.PendingQuery<{ gone: number }[]> => sql<{ gone: number }[]>`
  with tasks as (delete from taskport.tasks where user_id = ${owner}::text returning 1),
    users as (delete from taskport.users where id = ${owner}::text returning 1),
    deletions as (delete from taskport.deletions where user_id = ${owner}::text returning 1),
    marks as (delete from taskport.marks where user_id = ${owner}::text returning 1),
    receipts as (delete from taskport.receipts where user_id = ${owner}::text returning 1)
  select (select count(*) from tasks) + (select count(*) from users) + (select count(*) from deletions)
    + (select count(*) from marks) + (select count(*) from receipts) as gone`

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
    ), ended as (
      select user_id, revision from taskport.marks as old
      where marked_at < ${deletionsBefore}::text and exists (
        select 1 from taskport.marks as newer
        where newer.user_id = old.user_id and newer.revision > old.revision)
      limit ${size} for update skip locked
    ), marks as (
      delete from taskport.marks as m using ended
      where m.user_id = ended.user_id and m.revision = ended.revision returning 1
    ), expired as (
      select user_id, key from taskport.receipts
      where stored_at < ${receiptsBefore}::text limit ${size} for update skip locked
    ), receipts as (
      delete from taskport.receipts as r using expired
      where r.user_id = expired.user_id and r.key = expired.key returning 1
    )
    select (select count(*) from deletions) + (select count(*) from marks)
      + (select count(*) from receipts) as gone`
}
