import { DOCUMENT_FORMAT, SEPARATOR } from '../../application/documents.ts'
import type { Page } from '../../application/ports.ts'
import { isFiltered, SHORT_LIST } from '../../application/tasks/long-lists.ts'
import { NO_DUE_DATE, type UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'

/**
 * It finds one task more than the page has, which shows whether there is more. Of an owner with many
 * tasks a list that may take long is not read: `long` is true.
 */
export const listStatement = (...list: [owner: UserId, query: TaskQuery, page: Page]) =>
  statement('short', ...list)

/** The same list, a row for each task, whatever it takes. */
export const longStatement = (...list: [owner: UserId, query: TaskQuery, page: Page]) =>
  statement('long', ...list)

const statement = (
  way: 'short' | 'long',
  owner: UserId,
  query: TaskQuery,
  { limit, after }: Page,
): [text: string, parameters: (string | null)[]] => {
  const { status, priority, due_before, due_after, search } = query
  const completed = status === 'all' ? null : String(status === 'completed')
  const filtered = isFiltered(query)
  const parameters: (string | null)[] = [owner, limit === null ? null : String(limit + 1)]
  if (after) parameters.push(after.id, after.key)
  if (filtered) parameters.push(completed, priority, due_before, due_after, search)
  const resumed = after === null ? 'no' : after.key === NO_DUE_DATE ? 'undated' : 'dated'
  const bounded = limit !== null && !filtered && query.sort !== 'title'
  const kind = way === 'short' && bounded ? 'bounded' : way
  return [textFor(kind, query, filtered, resumed), parameters]
}

type Resumed = 'no' | 'dated' | 'undated'

/** `bounded` lists read little, however many tasks there are. */
type Kind = 'bounded' | 'short' | 'long'

const texts = new Map<string, string>()

const textFor = (kind: Kind, query: TaskQuery, filtered: boolean, resumed: Resumed): string => {
  const name = [kind, query.sort, query.order, filtered, resumed].join()
  const known = texts.get(name)
  if (known) return known
  const condition = kind === 'short' ? `and not ${LONG}` : ''
  const branches = branchesOf(query, resumed).map(({ where, order }) =>
    rows({ where: `${condition} ${where}`, order }, filtered, resumed),
  )
  const [only = '', second] = branches
  const page = second
    ? `select * from ((${only} ${LIMIT}) union all (${second} ${LIMIT})) as branches ${LIMIT}`
    : `${only} ${LIMIT}`
  const text = kind === 'long' ? rowsOf(page) : joined(page, kind)
  texts.set(name, text)
  return text
}

/** Evaluated once, before any task is read. */
const LONG = `coalesce((select task_count > ${SHORT_LIST} from taskport.users where id = $1::text), false)`

const joined = (page: string, kind: Kind): string => `
    select u.revision, u.timeline, ${kind === 'short' ? `u.task_count > ${SHORT_LIST}` : 'false'} as long, page.*
    from (
      select count(*) as count, string_agg(document, '${SEPARATOR}') as found,
        bool_and(format = ${DOCUMENT_FORMAT}) as current
      from (${page}) as rows
    ) as page left join taskport.users as u on u.id = $1::text`

const rowsOf = (page: string): string => `
    select state.*, page.* from (
      select max(revision) as revision, max(timeline) as timeline
      from taskport.users where id = $1::text
    ) as state left join lateral (${page}) as page on true`

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
