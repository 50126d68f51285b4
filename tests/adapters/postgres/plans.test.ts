import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { CHANGES } from '../../../src/adapters/postgres/changes.ts'
import { listStatement, longStatement } from '../../../src/adapters/postgres/list-statements.ts'
import { GET_TOGETHER } from '../../../src/adapters/postgres/read-tasks.ts'
import { REMINDERS } from '../../../src/adapters/postgres/reminders.ts'
import { DOCUMENT_FORMAT } from '../../../src/application/documents.ts'
import type { Task } from '../../../src/domain/task.ts'
import {
  ORDERS,
  positionOf,
  SORTS,
  STATUSES,
  type TaskQuery,
  taskQuery,
} from '../../../src/domain/task-query.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { NOON } from '../../support/tasks.ts'

setDefaultTimeout(30_000)

describe('plans on 100 000 tasks', () => {
  let sql: postgres.Sql
  const USERS = 1000
  const PER_USER = 100

  beforeAll(async () => {
    const url = await freshDatabase()
    await (await openPostgres(url)).close()
    sql = postgres(url, { max: 1, onnotice: () => {} })
    await sql`
      insert into taskport.users (id, revision, task_count)
      select 'user-' || n, ${PER_USER}, ${PER_USER} from generate_series(1, ${USERS}) as n`
    await sql`
      insert into taskport.tasks (user_id, id, revision, format, completed, timeline, priority,
        title_key, due_key, remind_key, search_text, document)
      select 'user-' || (n % ${USERS} + 1), gen_random_uuid(), n / ${USERS} + 1, ${DOCUMENT_FORMAT},
        n % 3 <> 0, '', (array['low', 'medium', 'high', null])[n % 4 + 1], 'task ' || md5(n::text),
        case when n % 5 > 0 then '2026-02-' || 10 + n % 15 || 'T24' else '~' end,
        case when n % 10 = 0 then '2026-02-' || 10 + n % 15 || 'T09:00:00.000Z' end,
        'task ' || n || ' ', '{}'
      from generate_series(0, ${USERS * PER_USER - 1}) as n`
    await sql`
      insert into taskport.changes (user_id, revision, id, op, at)
      select user_id, revision, id, 'upsert', ${NOON} from taskport.tasks
      union all
      select 'user-' || (n % ${USERS} + 1), ${PER_USER} + n / ${USERS} + 1, gen_random_uuid(), 'delete',
        ${NOON}
      from generate_series(0, ${USERS * PER_USER - 1}) as n`
    await sql`analyze taskport.tasks, taskport.users, taskport.changes`
  })
  afterAll(() => sql?.end())

  type Node = {
    'Node Type': string
    'Index Name'?: string
    'Relation Name'?: string
    Plans?: Node[]
  }
  const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)]

  const FILTERS = [
    {},
    { priority: 'high' },
    { q: 'task 7' },
    { due_before: '2026-02-11', due_after: '2026-02-09' },
  ]
  const INDEXES = { created: /^tasks_pkey$/, title: /^tasks_(pkey|due)$/, due_date: /^tasks_due$/ }
  /** Titles are sorted: an index of theirs would make every change of a title write to all indexes. */
  const avoidedBy = (sort: TaskQuery['sort']): string[] => [
    'Seq Scan',
    ...(sort === 'title' ? [] : ['Bitmap Heap Scan', 'Sort', 'Incremental Sort']),
  ]
  const middle = {
    id: '80000000-0000-4000-8000-000000000000',
    title: 'task 8',
    due_date: '2026-02-15',
  } as Task

  const explain = async (text: string, parameters: readonly (string | null)[]): Promise<Node[]> => {
    const [row] = await sql.unsafe(`explain (format json) ${text}`, parameters as string[])
    return nodes(row?.['QUERY PLAN'][0].Plan)
  }

  test('changes are read along the change log, without sorting', async () => {
    const plan = await explain(CHANGES, ['user-7', '50', '50', '100'])
    const kinds = new Set(plan.map((node) => node['Node Type']))
    for (const kind of ['Sort', 'Incremental Sort', 'Seq Scan', 'Bitmap Heap Scan', 'Hash Join']) {
      expect(kinds).not.toContain(kind)
    }
    const used = plan.map((node) => node['Index Name'])
    for (const index of ['changes_pkey', 'tasks_pkey', 'users_pkey']) {
      expect(used).toContain(index)
    }
  })

  test('reminders are found through the index of the armed ones, however many tasks there are', async () => {
    const plan = await explain(REMINDERS, ['200'])
    expect(plan.map((node) => node['Index Name'])).toContain('tasks_remind')
    expect(plan.map((node) => node['Node Type'])).not.toContain('Sort')
  })

  test('reminders are found through that index also by a plan for any limit', async () => {
    await sql.unsafe(`prepare reminders (text) as ${REMINDERS}`)
    await sql`set plan_cache_mode = force_generic_plan`
    const [row] = await sql.unsafe(`explain (format json) execute reminders ('200')`)
    await sql`reset plan_cache_mode`
    const plan = nodes(row?.['QUERY PLAN'][0].Plan)
    expect(plan.map((node) => node['Index Name'])).toContain('tasks_remind')
    expect(plan.map((node) => node['Node Type'])).not.toContain('Sort')
  })

  test('tasks that are read together are each found by the primary key', async () => {
    const wanted = [{ n: 0, owner: 'user-7', id: middle.id }]
    const plan = await explain(GET_TOGETHER, [JSON.stringify(wanted)])
    expect(plan.map((node) => node['Index Name'])).toContain('tasks_pkey')
    expect(plan.map((node) => node['Node Type'])).not.toContain('Seq Scan')
  })

  describe.each(SORTS)('by %s', (sort) => {
    describe.each(ORDERS)('%s', (order) => {
      test.each(STATUSES)(
        '%s tasks are read along an index, whatever the filter and page',
        async (status) => {
          for (const filter of FILTERS) {
            for (const limit of [null, 50]) {
              const query = taskQuery({ sort, order, status, ...filter })
              for (const after of [null, positionOf(middle, query)]) {
                for (const statement of [listStatement, longStatement]) {
                  const plan = await explain(...statement('user-7', query, { limit, after }))
                  const kinds = new Set(plan.map((node) => node['Node Type']))
                  for (const kind of avoidedBy(sort)) expect(kinds).not.toContain(kind)
                  const used = plan.map((node) => node['Index Name'] ?? '')
                  expect(used.filter((index) => INDEXES[sort].test(index))).not.toEqual([])
                }
              }
            }
          }
        },
      )
    })
  })
})
