import type postgres from 'postgres'
import { type NewTask, type Task, taskKeys, type UserId } from '../../domain/task.ts'

/** What a write answers: nothing when it took no effect. */
export type Written = { revision: number; created_at: string }

/** The owner's row is made or locked, and counted up, before the task takes its new revision. */
export const createStatement = (
  sql: postgres.Sql,
  task: NewTask,
  quota: number,
): postgres.PendingQuery<Written[]> => {
  const { title_key, due_key, search_text } = taskKeys(task)
  return sql<Written[]>`
    with owner as (
      insert into taskport.users as u (id, revision, task_count) values (${task.user_id}::text, 1, 1)
      on conflict (id) do update set revision = u.revision + 1, task_count = u.task_count + 1
      where u.task_count < ${String(quota)}::text::integer
      returning revision
    )
    insert into taskport.tasks (id, user_id, title, description, completed, priority, due_date,
      created_at, updated_at, revision, title_key, due_key, search_text)
    select ${task.id}::text::uuid, ${task.user_id}::text, ${task.title}::text,
      ${task.description}::text, ${String(task.completed)}::text::boolean, ${task.priority}::text,
      ${task.due_date}::text, ${task.created_at}::text, ${task.updated_at}::text, owner.revision,
      ${title_key}::text, ${due_key}::text, ${search_text}::text
    from owner
    returning revision, created_at`
}

/**
 * Locks the task at the revision seen, then counts the owner up, then changes the task. In this
 * order a writer that waited and lost finds nothing to lock and takes no revision.
 */
export const replaceStatement = (
  sql: postgres.Sql,
  task: Task,
): postgres.PendingQuery<Written[]> => {
  const { title_key, due_key, search_text } = taskKeys(task)
  return sql<Written[]>`
    with ${takeRevision(sql, task, 0)}
    update taskport.tasks as t set title = ${task.title}::text,
      description = ${task.description}::text, completed = ${String(task.completed)}::text::boolean,
      priority = ${task.priority}::text, due_date = ${task.due_date}::text,
      updated_at = ${task.updated_at}::text, revision = owner.revision,
      title_key = ${title_key}::text, due_key = ${due_key}::text,
      search_text = ${search_text}::text
    from owner
    where t.user_id = ${task.user_id}::text and t.id = ${task.id}::text::uuid
    returning t.revision, t.created_at`
}

/** As `replaceStatement` does. */
export const removeStatement = (
  sql: postgres.Sql,
  task: Task,
): postgres.PendingQuery<Written[]> => sql<Written[]>`
  with ${takeRevision(sql, task, -1)}
  delete from taskport.tasks as t using owner
  where t.user_id = ${task.user_id}::text and t.id = ${task.id}::text::uuid
  returning owner.revision, t.created_at`

/** Answers how many rows it removed: a task that was being written meanwhile is left for the next run. */
export const removeOwnerStatement = (
  sql: postgres.Sql,
  owner: UserId,
): postgres.PendingQuery<{ gone: number }[]> => sql<{ gone: number }[]>`
  with tasks as (delete from taskport.tasks where user_id = ${owner}::text returning 1),
    users as (delete from taskport.users where id = ${owner}::text returning 1)
  select (select count(*) from tasks) + (select count(*) from users) as gone`

const takeRevision = (sql: postgres.Sql, task: Task, added: 0 | -1) => sql`
  target as (
    select user_id from taskport.tasks
    where user_id = ${task.user_id}::text and id = ${task.id}::text::uuid
      and revision = ${String(task.revision)}::text::bigint
    for update
  ), owner as (
    update taskport.users as u
    set revision = u.revision + 1, task_count = u.task_count + ${String(added)}::text::integer
    from target where u.id = target.user_id
    returning u.revision
  )`
