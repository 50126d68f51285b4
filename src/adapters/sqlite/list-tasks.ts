import type { Database, SQLQueryBindings } from 'bun:sqlite'
import type { Page } from '../../application/ports.ts'
import type { UserId } from '../../domain/task.ts'
import { NO_DUE_DATE, type TaskQuery } from '../../domain/task-query.ts'

/**
 * The tasks as they are served, one more than the page has, to tell whether there is more. Each order
 * has its index; filters only skip rows on the way.
 */
export const findServed = (db: Database, owner: UserId, query: TaskQuery, page: Page): string[] => {
  const [text, parameters] = listStatement(owner, query, page)
  const rows = db.query<unknown, SQLQueryBindings[]>(text).values(...parameters)
  return rows.map(([served]) => served as string)
}

/**
 * One of a limited number of texts, so that each is prepared once, and its parameters. A mere `?` in a
 * statement with an order, or as a limit, has SQLite prepare it anew for every value; `+?` has not.
 */
export const listStatement = (
  owner: UserId,
  { sort, order, status, ...filters }: TaskQuery,
  { limit, after }: Page,
): [text: string, parameters: SQLQueryBindings[]] => {
  const key = { created: '', title: 'title_key, ', due_date: `${dueKey(order)}, ` }[sort]
  const conditions: [text: string, ...parameters: SQLQueryBindings[]][] = [['user_id = +?', owner]]
  if (status !== 'all') conditions.push([status === 'pending' ? 'not completed' : 'completed'])
  if (after) {
    const beyond = order === 'asc' ? '>' : '<'
    conditions.push(
      sort === 'created'
        ? [`id ${beyond} +?`, after.id]
        : [`(${key}id) ${beyond} (+?, +?)`, after.key, after.id],
    )
  }
  if (filters.priority !== null) conditions.push(['priority = +?', filters.priority])
  if (filters.due_before !== null) conditions.push(['due_key < +?', filters.due_before])
  if (filters.due_after !== null) conditions.push(['due_key > +?', filters.due_after])
  if (filters.search !== null) conditions.push(['instr(search_text, ?) > 0', filters.search])
  const text = `
    select served from tasks where ${conditions.map(([condition]) => condition).join(' and ')}
    order by ${key ? `${key.slice(0, -2)} ${order}, ` : ''}id ${order}
    limit +?`
  const parameters = conditions.flatMap(([, ...values]) => values)
  return [text, [...parameters, limit === null ? -1 : limit + 1]]
}

const dueKey = (order: TaskQuery['order']): string => `coalesce(due_key, '${NO_DUE_DATE[order]}')`
