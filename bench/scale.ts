import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { listStatement as postgresList } from '../src/adapters/postgres/list-tasks.ts'
import { changesStatement } from '../src/adapters/postgres/read-changes.ts'
import { postgresStorage } from '../src/adapters/postgres/storage.ts'
import { listStatement as sqliteList } from '../src/adapters/sqlite/list-tasks.ts'
import { sqliteStorage } from '../src/adapters/sqlite/storage.ts'
import type { TaskStore } from '../src/application/ports.ts'
import { newTask } from '../src/domain/task.ts'
import { SORTS, type TaskQuery, taskQuery } from '../src/domain/task-query.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { privateServer } from '../tests/support/postgres.ts'

/**
 * Whether a storage is as quick with 10 000 000 tasks as with 100 000: every access by turns on a
 * small and a large database, each time of another user, and the plans of the queries on the large
 * one. It measures the store alone. See README.md in this folder.
 */
const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: '10000000' },
    storage: { type: 'string', default: 'postgres,sqlite' },
    samples: { type: 'string', default: '3000' },
  },
})
const SMALL = 100_000
const LARGE = Number(options.tasks)
const SAMPLES = Number(options.samples)
const PER_USER = 100
const MANY = 10_000
const PAGE = { limit: 50, after: null }

const queries: Record<string, TaskQuery> = {
  ...Object.fromEntries(SORTS.map((sort) => [`list by ${sort}`, taskQuery({ sort })])),
  'list pending': taskQuery({ status: 'pending' }),
  search: taskQuery({ q: 'task 7' }),
}

type Access = (tasks: TaskStore, user: string, id: string) => Promise<unknown>

const accesses: Record<string, Access> = {
  get: (tasks, user, id) => tasks.get(user, id),
  ...Object.fromEntries(
    Object.entries(queries).map(([name, query]): [string, Access] => [
      name,
      (tasks, user) => tasks.list(user, query, PAGE),
    ]),
  ),
  feed: (tasks, user) => tasks.changes(user, PER_USER - 20, PER_USER - 20, 100),
  create: (tasks, user) => {
    const at = new Date().toISOString()
    const task = newTask(Bun.randomUUIDv7(), user, { title: 'new' }, at)
    const writes = [{ op: 'create', task, nth: 1 }] as const
    return tasks.write({ owner: user, writes, taken: 1, quota: 100_000, at })
  },
}

type Opened = Readonly<{
  tasks: TaskStore
  /** What the database does for a query, a line for each step. */
  plan(name: string): Promise<string[]>
  close(): void | Promise<void>
}>

/** Ids ascend with the number, as if the users had made their tasks by turns. */
const idOf = (number: number): string => {
  const digits = number.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`
}

const COLUMNS =
  'id, user_id, title, completed, priority, due_date, created_at, updated_at, revision, title_key, due_key, search_text'

/** Rows of the task number `n`; `hex` makes its first twelve digits. The last user has many. */
const rows = (count: number, hex: string): string => {
  const users = count / PER_USER
  return `
    select substr(h, 1, 8) || '-' || substr(h, 9) || '-7000-8000-000000000000', owner,
      'Task ' || (n % 97) || ' of ' || owner, n % 3 = 0, 'high', due, at, at,
      case when n < ${count} then n / ${users} + 1 else n - ${count} + 1 end,
      'task ' || (n % 97), due, 'task ' || (n % 97) || ' of ' || owner
    from (select n, ${hex} as h, '2026-0' || (n % 9 + 1) || '-15' as due,
      '2026-02-10T08:00:00.000Z' as at,
      case when n < ${count} then 'user-' || (n % ${users}) else 'many' end as owner from numbers) as made`
}

const COUNTS = `
  insert into OWNERS (id, revision, task_count)
  select owner, max(revision), count(*) from (
    select user_id as owner, revision from TASKS) as counted group by owner`

/** One for each user, so that the statistics do not take the table for an empty one. */
const DELETIONS = `
  insert into DELETED (user_id, revision, id, deleted_at)
  select id, 1, IDS, '2026-02-10T08:00:00.000Z' from OWNERS`

const openPostgres = async (url: string, count: number): Promise<Opened> => {
  const storage = postgresStorage(url, {
    poolSize: 1,
    onOutage: () => {},
    onRefusal: (error) => {
      throw error
    },
  })
  await storage.migrated
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const indexes = await sql`
    select indexdef, indexname from pg_indexes
    where schemaname = 'taskport' and tablename = 'tasks' and indexname <> 'tasks_pkey'`
  await sql.unsafe('alter table taskport.tasks drop constraint tasks_pkey')
  for (const { indexname } of indexes) await sql.unsafe(`drop index taskport.${indexname}`)
  const typed = rows(count, "lpad(to_hex(n), 12, '0')").replace(
    "-8000-000000000000',",
    "-8000-000000000000')::uuid,",
  )
  await sql.unsafe(`
    with numbers as (select generate_series(0, ${count + MANY - 1}) as n)
    insert into taskport.tasks (${COLUMNS}) ${typed.replace('select substr', 'select (substr')}`)
  await sql.unsafe(`set maintenance_work_mem = '1GB'`)
  await sql.unsafe('alter table taskport.tasks add primary key (user_id, id)')
  for (const { indexdef } of indexes) await sql.unsafe(indexdef)
  await sql.unsafe(COUNTS.replace('OWNERS', 'taskport.users').replace('TASKS', 'taskport.tasks'))
  await sql.unsafe(
    DELETIONS.replace('DELETED', 'taskport.deletions')
      .replace('IDS', 'gen_random_uuid()')
      .replace('OWNERS', 'taskport.users'),
  )
  await sql.unsafe('vacuum analyze')
  const explain = async (statement: postgres.PendingQuery<postgres.Row[]>): Promise<string[]> =>
    (await statement).map((line) => line['QUERY PLAN'])
  return {
    tasks: storage.tasks,
    plan: async (name) => {
      const query = queries[name]
      if (query) {
        const [text, values] = postgresList('many', query, PAGE)
        return explain(sql.unsafe(`explain (costs off) ${text}`, values as string[]))
      }
      if (name === 'feed') {
        return explain(sql`explain (costs off) ${changesStatement(sql, 'many', 80, 80, 100)}`)
      }
      return explain(
        sql`explain (costs off) select * from taskport.tasks where user_id = 'many' and id = ${idOf(1)}`,
      )
    },
    close: async () => {
      await sql.end()
      await storage.close()
    },
  }
}

const openSqlite = async (path: string, count: number): Promise<Opened> => {
  sqliteStorage(path).close()
  const db = new Database(path)
  db.run('pragma journal_mode = off')
  db.run('pragma cache_size = -1000000')
  const indexes = db
    .query<{ name: string; sql: string }, []>(
      `select name, sql from sqlite_master where type = 'index' and tbl_name = 'tasks' and sql is not null`,
    )
    .all()
  for (const { name } of indexes) db.run(`drop index ${name}`)
  db.run(`
    insert into tasks (${COLUMNS})
    with recursive numbers(n) as (
      select 0 union all select n + 1 from numbers where n < ${count + MANY - 1})
    select * from (${rows(count, "printf('%012x', n)")}) order by 2, 1`)
  for (const { sql } of indexes) db.run(sql)
  db.run(COUNTS.replace('OWNERS', 'users').replace('TASKS', 'tasks'))
  db.run(DELETIONS.replace('DELETED', 'deletions').replace('IDS', "'x'").replace('OWNERS', 'users'))
  db.run('analyze')
  db.close()
  const { tasks, db: open, close } = sqliteStorage(path)
  const explain = (text: string, ...values: (string | number)[]): string[] =>
    open
      .query<{ detail: string }, (string | number)[]>(`explain query plan ${text}`)
      .all(...values)
      .map(({ detail }) => detail)
  return {
    tasks,
    plan: async (name) => {
      const query = queries[name]
      if (query) {
        const [text, values] = sqliteList('many', query, PAGE)
        return explain(text, ...(values as string[]))
      }
      const condition = name === 'feed' ? 'revision > 80 order by revision' : `id = '${idOf(1)}'`
      return explain(`select * from tasks where user_id = 'many' and ${condition}`)
    },
    close,
  }
}

const percentile = (all: number[], share: number): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length * share)] ?? Number.NaN

const run = async (name: string, small: Opened, large: Opened): Promise<void> => {
  console.log(`\n### ${name}, ${SMALL} and ${LARGE} tasks\n`)
  console.log(
    '| access | p50 µs | p99 µs | large: p50 | p99 | p99, times | user with 10 000: p50 | p99 |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  const time = async (access: Access, { tasks }: Opened, user: string, id: string) => {
    const began = performance.now()
    await access(tasks, user, id)
    return (performance.now() - began) * 1000
  }
  for (const [title, access] of Object.entries(accesses)) {
    const times: [number[], number[], number[]] = [[], [], []]
    for (let n = -SAMPLES / 5; n < SAMPLES; n++) {
      const taken = await Promise.all(
        [SMALL, LARGE].map(async (count, at) => {
          const task = Math.floor(Math.random() * count)
          const user = `user-${task % (count / PER_USER)}`
          return () => time(access, at === 0 ? small : large, user, idOf(task))
        }),
      )
      const [a, b] = [await taken[0]?.(), await taken[1]?.()]
      const c = await time(access, large, 'many', idOf(LARGE + Math.floor(Math.random() * MANY)))
      if (n < 0) continue
      times[0].push(a ?? 0)
      times[1].push(b ?? 0)
      times[2].push(c)
    }
    const of = (at: 0 | 1 | 2, share: number): string => percentile(times[at], share).toFixed(0)
    const ratio = percentile(times[1], 0.99) / percentile(times[0], 0.99)
    console.log(
      `| ${title} | ${of(0, 0.5)} | ${of(0, 0.99)} | ${of(1, 0.5)} | ${of(1, 0.99)} | ` +
        `**${ratio.toFixed(2)}** | ${of(2, 0.5)} | ${of(2, 0.99)} |`,
    )
  }
  console.log('\nPlans on the large one:\n')
  for (const title of ['get', ...Object.keys(queries), 'feed']) {
    const plan = await large.plan(title)
    const steps = plan.filter((line) => /Scan|SEARCH|SCAN|Sort|B-TREE/.test(line))
    console.log(
      `- ${title}: ${steps.map((step) => step.replace(/^[\s>-]*/, '').trim()).join('; ')}`,
    )
  }
  await small.close()
  await large.close()
}

const folder = temporaryFolder()
if (options.storage.includes('postgres')) {
  const server = await privateServer({
    max_wal_size: '8GB',
    wal_level: 'minimal',
    max_wal_senders: '0',
  })
  const admin = postgres(server.url, { max: 1 })
  await admin`create database small`
  await admin`create database large`
  await admin.end()
  const of = (name: string): string => new URL(`/${name}`, server.url).href
  await run(
    'PostgreSQL',
    await openPostgres(of('small'), SMALL),
    await openPostgres(of('large'), LARGE),
  )
  await server.close()
}
if (options.storage.includes('sqlite')) {
  await run(
    'SQLite',
    await openSqlite(join(folder, 'small.db'), SMALL),
    await openSqlite(join(folder, 'large.db'), LARGE),
  )
}
process.exit(0)
