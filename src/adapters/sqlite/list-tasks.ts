import type { Database, SQLQueryBindings } from 'bun:sqlite'
import type { Page } from '../../application/ports.ts'
import type { UserId } from '../../domain/task.ts'
import { NO_DUE_DATE, type TaskQuery } from '../../domain/task-query.ts'

/**
 * The tasks as they are served, one more than the page has, to tell whether there is more. Each order
 * has its index; filters only skip rows on the way.
 */
export const findServed = (db: Database, owner: UserId, query: TaskQuery, page: Page): string[] => {
  const rows = db.query<unknown, SQLQueryBindings[]>(listSql(query, page.after !== null)).values({
    owner,
    key: page.after?.key ?? null,
    id: page.after?.id ?? null,
    completed: query.status === 'all' ? null : Number(query.status === 'completed'),
    priority: query.priority,
    due_before: query.due_before,
    due_after: query.due_after,
    search: query.search,
    limit: page.limit === null ? -1 : page.limit + 1,
  })
  return rows.map(([served]) => served as string)
}

/** One of a small, fixed number of texts, so that each is prepared once. */
export const listSql = ({ sort, order, status }: TaskQuery, resumed: boolean): string => {
  const key = { created: '', title: 'title_key', due_date: dueKey(order) }[sort]
  const pending = sort === 'created' && status === 'pending'
  return `
    select served from tasks
    where user_id = $owner ${pending ? 'and not completed' : ''}
      ${resumed ? `and ${key ? `(${key}, id)` : 'id'} ${order === 'asc' ? '>' : '<'} ${key ? '($key, $id)' : '$id'}` : ''}
      and ($completed is null or completed = $completed)
      and ($priority is null or priority = $priority)
      and ($due_before is null or due_key < $due_before)
      and ($due_after is null or due_key > $due_after)
      and ($search is null or instr(search_text, $search) > 0)
    order by ${key ? `${key} ${order}, ` : ''}id ${order}
    limit $limit`
}

const dueKey = (order: TaskQuery['order']): string => `coalesce(due_key, '${NO_DUE_DATE[order]}')`
