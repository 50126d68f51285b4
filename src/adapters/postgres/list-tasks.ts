import type { Page } from '../../application/ports.ts'
import { BETWEEN } from '../../application/task-list.ts'
import type { UserId } from '../../domain/task.ts'
import { NO_DUE_DATE, type TaskQuery } from '../../domain/task-query.ts'

/** The user's revision, and the tasks as they are served, put together; null when there are none. */
export type ListRow = { revision: number; count: number; found: string | null }

/** The text and its parameters. It finds one task more than the page has, to tell whether there is more. */
export const listStatement = (
  owner: UserId,
  query: TaskQuery,
  { limit, after }: Page,
): [text: string, parameters: (string | null)[]] => {
  const { sort, status, priority, due_before, due_after, search } = query
  const completed = status === 'all' ? null : String(status === 'completed')
  const filters = [completed, priority, due_before, due_after, search]
  const filtered = filters.some((filter) => filter !== null)
  const parameters: (string | null)[] = [owner, limit === null ? null : String(limit + 1)]
  if (filtered) parameters.push(...filters)
  if (after) parameters.push(after.id, ...(sort === 'created' ? [] : [after.key]))
  return [textFor(query, filtered, after !== null), parameters]
}

const texts = new Map<string, string>()

/**
 * One of a small, fixed number of texts, so that each is prepared once.
 *
 * The tasks are walked along the index of their order. `offset 0` keeps the filters out of that, `case`
 * keeps the planner from guessing that they leave next to nothing, and a limit whose value it
 * cannot see makes it prefer an order that is there over sorting. So no statistics, however wrong,
 * bring a sort or a scan of the table about.
 */
const textFor = (
  { sort, order, status }: TaskQuery,
  filtered: boolean,
  resumed: boolean,
): string => {
  const kind = [sort, order, status, filtered, resumed].join()
  const known = texts.get(kind)
  if (known) return known
  const key = { created: '', title: 'title_key, ', due_date: `${dueKey(order)}, ` }[sort]
  const first = filtered ? FILTERED + 1 : FILTERS
  const start = `and (${key}id) ${order === 'asc' ? '>' : '<'}
    (${key ? `$${first + 1}::text, ` : ''}$${first}::text::uuid)`
  const ordered = `
    from taskport.tasks where user_id = $1::text
      ${sort === 'created' && status === 'pending' ? 'and not completed' : ''}
      ${resumed ? start : ''}
    order by ${key ? `${key.slice(0, -2)} ${order}, ` : ''}id ${order}`
  const page = filtered
    ? `select served from (select * ${ordered} offset 0) as ordered ${WHERE}`
    : `select served ${ordered}`
  const text = `
    select coalesce((select revision from taskport.users where id = $1::text), 0) as revision,
      count(*) as count, string_agg(served, '${BETWEEN}') as found
    from (${page} limit (select $2::text::bigint)) as page`
  texts.set(kind, text)
  return text
}

/** Where the parameters of the filters begin and end. */
const FILTERS = 3
const FILTERED = 7

const WHERE = `
    where case when ($3::text is null or completed = $3::text::boolean)
      and ($4::text is null or priority = $4::text)
      and ($5::text is null or due_key < $5::text)
      and ($6::text is null or due_key > $6::text)
      and ($7::text is null or strpos(search_text, $7::text) > 0)
    then true else false end`

const dueKey = (order: TaskQuery['order']): string => `coalesce(due_key, '${NO_DUE_DATE[order]}')`

export const GET =
  'select served from taskport.tasks where user_id = $1::text and id = $2::text::uuid'
export const FIND = `
  select served from taskport.tasks
  where user_id = $1::text and id = any(string_to_array($2::text, ',')::uuid[])`
