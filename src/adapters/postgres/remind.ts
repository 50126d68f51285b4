import type postgres from 'postgres'
import type { Revision, UserId } from '../../domain/task.ts'
import { marksIn, PRESENT } from './histories.ts'

/**
 * One statement for many tasks of many users: locks tasks that are due and that nobody else is
 * changing, then their owners in the order of their ids, so that no two of these wait for each other;
 * then counts and changes as every write does.
 */
export const remindStatement = (
  sql: postgres.Sql,
  now: string,
  limit: number,
): postgres.PendingQuery<{ owner: UserId; revision: Revision }[]> =>
  sql.unsafe(REMIND, [now, String(limit)], { prepare: true })

/** Takes the time and the limit. */
export const REMIND = `
  with due as (
    select user_id, id from taskport.tasks
    where remind_at is not null and reminded_at is null and not completed and remind_at <= $1::text
    order by remind_at limit $2::text::bigint for update skip locked
  ), numbered as (
    select user_id, id, row_number() over (partition by user_id order by id) as nth from due
  ), counts as (
    select user_id, count(*) as taken from due group by user_id
  ), locked as (
    select id from taskport.users where id in (select user_id from counts) order by id for update
  ),${PRESENT}, owner as (
    update taskport.users as u set revision = u.revision + counts.taken, epoch = present.epoch,
      marks = ${marksIn('present.epoch')}
    from counts, present where u.id = counts.user_id and u.id in (select id from locked)
    returning u.id, u.revision, u.revision - counts.taken as base
  ), reminded as (
    update taskport.tasks as t set reminded_at = $1::text, updated_at = $1::text,
      revision = owner.base + numbered.nth, reminded_revision = owner.base + numbered.nth
    from numbered join owner on owner.id = numbered.user_id
    where t.user_id = numbered.user_id and t.id = numbered.id
  ), waked as (
    update taskport.webhooks as w set due_at = coalesce(w.due_at, $1::text), version = w.version + 1
    from owner where w.user_id = owner.id and w.disabled is null
  )
  select id as owner, revision from owner`
