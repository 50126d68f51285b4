import type { Database, SQLQueryBindings } from 'bun:sqlite'
import { DOCUMENT_FORMAT, listOf, SEPARATOR, storedTask } from '../../application/documents.ts'
import type { Page, StoredTask, TaskStore } from '../../application/ports.ts'
import { isFiltered, longLists, SHORT_LIST } from '../../application/tasks/long-lists.ts'
import type { Instant } from '../../domain/due-date.ts'
import { NO_DUE_DATE, type Revision, type UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'
import type { Version } from '../../domain/version.ts'
import { attempt } from './attempt.ts'
import type { ListReader } from './list-reader.ts'

type Row = {
  document: string
  format: number
  revision: Revision
  timeline: string
  recorded_at: Instant | null
}

export const SELECT_OWNER = 'select revision, timeline, task_count from users where id = ?'

const NOBODY = { revision: 0, timeline: '', task_count: 0 }

/** Without `not indexed` it would be found in the index of the ids first, and then by its key. */
export const GET = `
  select document, format, revision, timeline, recorded_at from tasks not indexed where user_id = ? and id = ?`

/** What `reader` reads does not hold up the event loop. */
export const readTasks = (
  db: Database,
  reader: ListReader,
): Pick<TaskStore, 'get' | 'find' | 'list' | 'versions' | 'exists' | 'ready'> => {
  const selectTask = db.query<Row, [string, string]>(GET)
  const selectVersion = db.query<Version, [string]>(
    'select revision, timeline from users where id = ?',
  )
  const selectOwner = db.query<Version & { task_count: number }, [string]>(SELECT_OWNER)
  const selectId = db.query<unknown, [string]>('select 1 from tasks where id = ?')
  const selectOne = db.query<unknown, []>('select 1')

  const versionOf = (owner: UserId): Version =>
    selectVersion.get(owner) ?? { revision: 0, timeline: '' }

  const get = (owner: UserId, id: string): StoredTask | undefined => {
    const row = selectTask.get(owner, id)
    if (!row) return undefined
    const { document, format, recorded_at, ...version } = row
    return storedTask(document, format, version, recorded_at)
  }

  const long = longLists({ reads: { capacity: 1, perOwner: 1 } })

  return {
    get: (owner, id) => attempt(() => get(owner, id)),
    find: (owner, ids) => attempt(() => ids.flatMap((id) => get(owner, id) ?? [])),
    list: (owner, query, page) =>
      attempt(() => {
        const { task_count, ...version } = selectOwner.get(owner) ?? NOBODY
        if (task_count > SHORT_LIST && (page.limit === null || isFiltered(query))) {
          return long(owner, page, () => reader.read({ owner, query, page }))
        }
        const rows = findRows(db, owner, query, page)
        const found = rows.map(([document]) => document).join(SEPARATOR)
        const current = rows.every(([, format]) => format === DOCUMENT_FORMAT)
        return listOf(found, rows.length, current, page.limit, version)
      }),
    versions: (owners) =>
      attempt(() =>
        owners.flatMap((owner) => {
          const version = versionOf(owner)
          return version.revision > 0 ? [{ owner, version }] : []
        }),
      ),
    exists: (id) => attempt(() => selectId.get(id) !== null),
    ready: () => attempt(() => void selectOne.get()),
  }
}

type ListRow = [document: string, format: number]

/** One row more than the page has, which shows whether there is more. */
const findRows = (db: Database, owner: UserId, query: TaskQuery, page: Page): ListRow[] => {
  const rows: ListRow[] = []
  for (const { text, parameters } of listStatements(owner, query, page)) {
    const left = rowsLeft(page, rows.length)
    if (left === 0) break
    rows.push(...(db.query(text).values(...parameters, left) as ListRow[]))
  }
  return rows
}

/** The limit of the next statement, -1 for none. */
export const rowsLeft = ({ limit }: Page, found: number): number =>
  limit === null ? -1 : limit + 1 - found

type Condition = [text: string, ...parameters: SQLQueryBindings[]]
type Statement = Readonly<{ text: string; parameters: SQLQueryBindings[] }>

/**
 * Each walks along an index and lacks the last parameter, the limit. A mere `?` in a statement with
 * an order, or as a limit, makes SQLite prepare it again for every value; `+?` has not.
 */
export const listStatements = (owner: UserId, query: TaskQuery, { after }: Page): Statement[] => {
  const { sort, order } = query
  const beyond = order === 'asc' ? '>' : '<'
  const byId: Condition[] = after ? [[`id ${beyond} +?`, after.id]] : []
  if (sort === 'created') return [statement(owner, query, byId, `id ${order}`)]
  const key = sort === 'title' ? 'title_key' : 'due_key'
  const byKey: Condition[] = after ? [[`(${key}, id) ${beyond} (+?, +?)`, after.key, after.id]] : []
  const ordering = `${key} ${order}, id ${order}`
  if (sort === 'title' || order === 'asc') return [statement(owner, query, byKey, ordering)]
  const undated = after?.key === NO_DUE_DATE
  const none = statement(
    owner,
    query,
    [[`due_key = '${NO_DUE_DATE}'`], ...(undated ? byId : [])],
    'id desc',
  )
  if (undated) return [none]
  return [statement(owner, query, [[`due_key < '${NO_DUE_DATE}'`], ...byKey], ordering), none]
}

const statement = (
  owner: UserId,
  { sort, status, priority, due_before, due_after, search }: TaskQuery,
  position: readonly Condition[],
  ordering: string,
): Statement => {
  const conditions: Condition[] = [['user_id = +?', owner], ...position]
  if (status !== 'all') conditions.push([status === 'pending' ? 'not completed' : 'completed'])
  if (priority !== null) conditions.push(['priority = +?', priority])
  // `+` keeps lists in another order from using the index of the due dates and then sorting.
  const due = sort === 'due_date' ? 'due_key' : '+due_key'
  if (due_before !== null) conditions.push([`${due} < +?`, due_before])
  if (due_after !== null) conditions.push([`${due} > +? and ${due} < '${NO_DUE_DATE}'`, due_after])
  if (search !== null) conditions.push(['instr(search_text, ?) > 0', search])
  return {
    text: `
      select document, format from tasks ${sort === 'due_date' ? 'indexed by tasks_due' : ''}
      where ${conditions.map(([condition]) => condition).join(' and ')}
      order by ${ordering} limit +?`,
    parameters: conditions.flatMap(([, ...values]) => values),
  }
}
