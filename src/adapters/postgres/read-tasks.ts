import { DOCUMENT_FORMAT, listOf, SEPARATOR, storedTask } from '../../application/documents.ts'
import type { Page, StoredTask, TaskStore } from '../../application/ports.ts'
import type { Instant } from '../../domain/due-date.ts'
import { NO_DUE_DATE, type Revision, type TaskId, type UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'
import type { Client, Query } from './client.ts'
import { groupCommit } from './group-commit.ts'

type TaskRow = {
  document: string
  format: number
  revision: Revision
  timeline: string
  recorded_at: Instant | null
}
type VersionRow = { owner: UserId; revision: Revision; timeline: string }

export const readTasks = (
  query: Query,
  turn: Client['turn'],
): Pick<TaskStore, 'get' | 'find' | 'list' | 'versions' | 'exists'> => ({
  get: groupReads(query, turn),

  find: async (owner, ids) => (await query<TaskRow>(FIND, [owner, ids.join()])).map(toStored),

  list: async (owner, filter, page) => {
    const [row] = await query<ListRow>(...listStatement(owner, filter, page))
    if (!row) throw new Error('A list returned no row.')
    const { revision, timeline, count, found, current } = row
    const version = { revision: revision ?? 0, timeline: timeline ?? '' }
    return listOf(found ?? '', count, current ?? true, page.limit, version)
  },

  versions: async (owners) => {
    const [only, second] = owners
    const rows =
      only !== undefined && second === undefined
        ? await query<VersionRow>(VERSION, [only])
        : await query<VersionRow>(VERSIONS, [JSON.stringify(owners)])
    return rows.map(({ owner, ...version }) => ({ owner, version }))
  },

  exists: async (id) => (await query(EXISTS, [id])).length > 0,
})

const toStored = ({ document, format, recorded_at, ...version }: TaskRow): StoredTask =>
  storedTask(document, format, version, recorded_at)

const groupReads = (query: Query, turn: Client['turn']): TaskStore['get'] => {
  type Call = readonly [owner: UserId, id: TaskId]
  const get = groupCommit<Call, { task: StoredTask | undefined }>({
    ...turn,
    alone: async (call) => {
      const [row] = await query<TaskRow>(GET, call)
      return { task: row && toStored(row) }
    },
    together: async (calls) => {
      const wanted = calls.map(([owner, id], n) => ({ n, owner, id }))
      const rows = await query<TaskRow & { n: number }>(GET_TOGETHER, [JSON.stringify(wanted)])
      const found = new Map(rows.map(({ n, ...row }) => [n, toStored(row)]))
      return calls.map((_, n) => ({ task: found.get(n) }))
    },
  })
  return async (owner, id) => (await get([owner, id])).task
}

const COLUMNS = 'document, format, revision, timeline, recorded_at'
export const GET = `
  select ${COLUMNS} from taskport.tasks where user_id = $1::text and id = $2::text::uuid`
export const GET_TOGETHER = `
  select w.n, t.* from json_to_recordset($1::text::json) as w (n integer, owner text, id uuid),
    lateral (
      select ${COLUMNS} from taskport.tasks where user_id = w.owner and id = w.id limit 1
    ) as t`
export const FIND = `
  select ${COLUMNS} from taskport.tasks
  where user_id = $1::text and id = any(string_to_array($2::text, ',')::uuid[])`
const VERSION = `
  select id as owner, revision, timeline from taskport.users where id = $1::text and revision > 0`
export const VERSIONS = `
  select id as owner, revision, timeline from taskport.users
  where id = any(array(select json_array_elements_text($1::text::json))) and revision > 0`
const EXISTS = 'select from taskport.tasks where uuid_send(id) = uuid_send($1::text::uuid)'

type ListRow = {
  revision: Revision | null
  timeline: string | null
  count: number
  found: string | null
  current: boolean | null
}

/** It finds one task more than the page has, which shows whether there is more. */
export const listStatement = (
  owner: UserId,
  query: TaskQuery,
  { limit, after }: Page,
): [text: string, parameters: (string | null)[]] => {
  const { status, priority, due_before, due_after, search } = query
  const completed = status === 'all' ? null : String(status === 'completed')
  const filters = [completed, priority, due_before, due_after, search]
  const filtered = filters.some((filter) => filter !== null)
  const parameters: (string | null)[] = [owner, limit === null ? null : String(limit + 1)]
  if (after) parameters.push(after.id, after.key)
  if (filtered) parameters.push(...filters)
  const resumed = after === null ? 'no' : after.key === NO_DUE_DATE ? 'undated' : 'dated'
  return [textFor(query, filtered, resumed), parameters]
}

type Resumed = 'no' | 'dated' | 'undated'

const texts = new Map<string, string>()

const textFor = (query: TaskQuery, filtered: boolean, resumed: Resumed): string => {
  const kind = [query.sort, query.order, filtered, resumed].join()
  const known = texts.get(kind)
  if (known) return known
  const branches = branchesOf(query, resumed).map((branch) => rows(branch, filtered, resumed))
  const [only = '', second] = branches
  const page = second
    ? `select * from ((${only} ${LIMIT}) union all (${second} ${LIMIT})) as branches ${LIMIT}`
    : `${only} ${LIMIT}`
  const text = `
    select u.revision, u.timeline, page.*
    from (
      select count(*) as count, string_agg(document, '${SEPARATOR}') as found,
        bool_and(format = ${DOCUMENT_FORMAT}) as current
      from (${page}) as rows
    ) as page left join taskport.users as u on u.id = $1::text`
  texts.set(kind, text)
  return text
}

type Branch = Readonly<{ where: string; order: string }>

/** Two walks where tasks without a due date come last, also in descending order. */
const branchesOf = ({ sort, order }: TaskQuery, resumed: Resumed): Branch[] => {
  const beyond = order === 'asc' ? '>' : '<'
  const byId = resumed === 'no' ? '' : `and id ${beyond} $3::text::uuid`
  // A parameter has to be used for its type to be known.
  const unused = resumed === 'no' ? '' : 'and $4::text is not null'
  if (sort === 'created') return [{ where: `${byId} ${unused}`, order: `id ${order}` }]
  const key = sort === 'title' ? 'title_key' : 'due_key'
  const byKey = resumed === 'no' ? '' : `and (${key}, id) ${beyond} ($4::text, $3::text::uuid)`
  const ordering = `${key} ${order}, id ${order}`
  if (sort === 'title' || order === 'asc') return [{ where: byKey, order: ordering }]
  const none = `and due_key = '${NO_DUE_DATE}'`
  if (resumed === 'undated') return [{ where: `${none} ${byId} ${unused}`, order: 'id desc' }]
  return [
    { where: `and due_key < '${NO_DUE_DATE}' ${byKey}`, order: ordering },
    { where: none, order: 'id desc' },
  ]
}

const LIMIT = 'limit (select $2::text::bigint)'

/**
 * Walks along the index of the order, whatever the statistics: `offset 0` keeps the filters out of
 * it, `case` keeps the planner from guessing that they leave next to nothing, and a limit whose
 * value it cannot see makes it prefer an order that is there over sorting. Only titles are sorted.
 */
const rows = ({ where, order }: Branch, filtered: boolean, resumed: Resumed): string => {
  const walk = (columns: string): string =>
    `select ${columns} from taskport.tasks where user_id = $1::text ${where} order by ${order}`
  if (!filtered) return walk('document, format')
  const first = resumed === 'no' ? 3 : 5
  const [completed, priority, before, after, search] = [0, 1, 2, 3, 4].map(
    (n) => `$${first + n}::text`,
  )
  return `
    select document, format from (${walk('*')} offset 0) as ordered
    where case when (${completed} is null or completed = ${completed}::boolean)
      and (${priority} is null or priority = ${priority})
      and (${before} is null or due_key < ${before})
      and (${after} is null or (due_key > ${after} and due_key < '${NO_DUE_DATE}'))
      and (${search} is null or strpos(search_text, ${search}) > 0)
    then true else false end`
}
