import { listOf, storedTask } from '../../application/documents.ts'
import type { StoredTask, TaskStore } from '../../application/ports.ts'
import { longLists } from '../../application/tasks/long-lists.ts'
import type { Instant } from '../../domain/due-date.ts'
import type { Revision, TaskId, UserId } from '../../domain/task.ts'
import type { Query } from './client.ts'
import type { Grouping } from './group-commit.ts'
import { listStatement } from './list-statements.ts'
import { readLong } from './read-long.ts'

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
  grouping: Grouping,
): Pick<TaskStore, 'get' | 'find' | 'list' | 'versions' | 'exists'> => {
  const longList = longLists({ reads: { capacity: 4, perOwner: 2 } })
  return {
    get: groupReads(query, grouping),

    find: async (owner, ids) => (await query<TaskRow>(FIND, [owner, ids.join()])).map(toStored),

    list: async (owner, filter, page) => {
      const [row] = await query<ListRow>(...listStatement(owner, filter, page))
      if (!row) throw new Error('A list returned no row.')
      const { revision, timeline, count, found, current, long } = row
      if (long) return longList(owner, page, () => readLong(query, owner, filter, page))
      const version = { revision: revision ?? 0, timeline: timeline ?? '' }
      return listOf(found ?? '', count, current ?? true, page.limit, version)
    },

    versions: async (owners) => {
      const [only, second] = owners
      const rows =
        only !== undefined && second === undefined
          ? await query<VersionRow>(VERSION, [only])
          : await query<VersionRow>(VERSIONS, [JSON.stringify(owners)], 'all')
      return rows.map(({ owner, ...version }) => ({ owner, version }))
    },

    exists: async (id) => (await query(EXISTS, [id], 'all')).length > 0,
  }
}

const toStored = ({ document, format, recorded_at, ...version }: TaskRow): StoredTask =>
  storedTask(document, format, version, recorded_at)

const groupReads = (query: Query, grouping: Grouping): TaskStore['get'] => {
  type Call = readonly [owner: UserId, id: TaskId]
  const get = grouping<Call, { task: StoredTask | undefined }>({
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
  long: boolean | null
}
