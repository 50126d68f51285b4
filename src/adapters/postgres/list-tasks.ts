import type postgres from 'postgres'
import type { Page } from '../../application/ports.ts'
import type { Task, UserId } from '../../domain/task.ts'
import { NO_DUE_DATE, type TaskQuery } from '../../domain/task-query.ts'

/** A task, or nulls when there is none, with the user's revision in every row. */
export type ListRow = { owner_revision: number } & (Task | { id: null })

/**
 * One task more than the page has, to tell whether there is more.
 *
 * The inner query is walked along the index of its order. `offset 0` keeps the filters out of it,
 * `case` keeps the planner from guessing that they leave next to nothing, and a limit whose value it
 * cannot see makes it prefer an order that is there over sorting. So no statistics, however wrong,
 * bring a sort or a scan of the table about.
 */
export const listStatement = (
  sql: postgres.Sql,
  owner: UserId,
  query: TaskQuery,
  { limit, after }: Page,
): postgres.PendingQuery<ListRow[]> => {
  const { sort, order, status } = query
  const direction = order === 'asc' ? sql`asc` : sql`desc`
  const beyond = order === 'asc' ? sql`>` : sql`<`
  const key =
    sort === 'title'
      ? sql`title_key`
      : sql`coalesce(due_key, ${sql.unsafe(`'${NO_DUE_DATE[order]}'`)})`
  const pending = sort === 'created' && status === 'pending' ? sql`and not completed` : sql``
  const start = !after
    ? sql``
    : sort === 'created'
      ? sql`and id ${beyond} ${after.id}::text::uuid`
      : sql`and (${key}, id) ${beyond} (${after.key}::text, ${after.id}::text::uuid)`
  const ordering =
    sort === 'created' ? sql`id ${direction}` : sql`${key} ${direction}, id ${direction}`
  const completed = status === 'all' ? null : String(status === 'completed')
  const size = limit === null ? null : String(limit + 1)

  return sql<ListRow[]>`
    select owner.revision as owner_revision, page.*
    from (select coalesce(
      (select revision from taskport.users where id = ${owner}::text), 0) as revision) as owner
    left join lateral (
      select ${taskColumns(sql)} from (
        select * from taskport.tasks where user_id = ${owner}::text ${pending} ${start}
        order by ${ordering} offset 0
      ) as ordered
      where case when (${completed}::text is null or completed = ${completed}::text::boolean)
        and (${query.priority}::text is null or priority = ${query.priority}::text)
        and (${query.due_before}::text is null or due_key < ${query.due_before}::text)
        and (${query.due_after}::text is null or due_key > ${query.due_after}::text)
        and (${query.search}::text is null or strpos(search_text, ${query.search}::text) > 0)
      then true else false end
      limit (select ${size}::text::bigint)
    ) as page on true`
}

export const taskColumns = (sql: postgres.Sql) => sql`
  id, user_id, title, description, completed, priority, due_date, remind_at, reminded_at,
  created_at, updated_at, revision`
