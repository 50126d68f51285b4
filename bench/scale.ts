import { Database } from 'bun:sqlite'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import {
  GET as POSTGRES_GET,
  listStatement as postgresList,
} from '../src/adapters/postgres/list-tasks.ts'
import { changesStatement } from '../src/adapters/postgres/read-changes.ts'
import { postgresStorage } from '../src/adapters/postgres/storage.ts'
import { listStatement as sqliteList } from '../src/adapters/sqlite/list-tasks.ts'
import { UPSERTS } from '../src/adapters/sqlite/read-changes.ts'
import { sqliteStorage } from '../src/adapters/sqlite/storage.ts'
import { GET as SQLITE_GET } from '../src/adapters/sqlite/task-row.ts'
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
    rounds: { type: 'string', default: '9' },
    samples: { type: 'string', default: '1000' },
  },
})
const SMALL = 100_000
const LARGE = Number(options.tasks)
const ROUNDS = Number(options.rounds)
const SAMPLES = Number(options.samples)
const PER_USER = 100
/**
 * Accesses of one turn. One at a time over one connection, PostgreSQL's answer would depend on the
 * core that its process happens to run on; SQLite is part of this process.
 */
const AT_ONCE = { PostgreSQL: 8, SQLite: 1 }
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
    poolSize: AT_ONCE.PostgreSQL,
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
  const textOf = (name: string): [text: string, parameters: (string | null)[]] => {
    const query = queries[name]
    if (query) return postgresList('many', query, PAGE)
    return name === 'feed'
      ? changesStatement('many', 80, 80, 100)
      : [POSTGRES_GET, ['many', idOf(1)]]
  }
  return {
    tasks: storage.tasks,
    plan: async (name) => {
      const [text, parameters] = textOf(name)
      const plan = await sql.unsafe(`explain (costs off) ${text}`, parameters as string[])
      return plan.map((line) => line['QUERY PLAN'])
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
      return name === 'feed'
        ? explain(UPSERTS, 'many', 80, 100)
        : explain(SQLITE_GET, 'many', idOf(1))
    },
    close,
  }
}

const percentile = (all: number[], share: number): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length * share)] ?? Number.NaN

const median = (all: number[]): number => percentile(all, 0.5)

/** Microseconds of each access in one round. */
type Round = Readonly<{ small: number[]; large: number[]; many: number[] }>

const time = async (access: Access, { tasks }: Opened, user: string, id: string) => {
  const began = performance.now()
  await access(tasks, user, id)
  return (performance.now() - began) * 1000
}

const round = async (
  access: Access,
  atOnce: number,
  small: Opened,
  large: Opened,
): Promise<Round> => {
  const times: Round = { small: [], large: [], many: [] }
  const any = (opened: Opened, count: number): Promise<number> => {
    const task = Math.floor(Math.random() * count)
    return time(access, opened, `user-${task % (count / PER_USER)}`, idOf(task))
  }
  const own = (): Promise<number> =>
    time(access, large, 'many', idOf(LARGE + Math.floor(Math.random() * MANY)))
  const turn = (step: () => Promise<number>): Promise<number[]> =>
    Promise.all(Array.from({ length: atOnce }, step))
  for (let n = 0; n < SAMPLES; n += atOnce) {
    times.small.push(...(await turn(() => any(small, SMALL))))
    times.large.push(...(await turn(() => any(large, LARGE))))
    times.many.push(...(await turn(own)))
  }
  return times
}

const run = async (name: keyof typeof AT_ONCE, small: Opened, large: Opened): Promise<void> => {
  console.log(`\n### ${name}, ${SMALL} and ${LARGE} tasks, ${AT_ONCE[name]} at once\n`)
  console.log(
    '| access | p50 µs | p99 µs | large: p50 | p99 | p99, times | lowest to highest | user with 10 000: p50 | p99 |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  for (const [title, access] of Object.entries(accesses)) {
    const rounds: Round[] = []
    const once = (): Promise<Round> => round(access, AT_ONCE[name], small, large)
    await once()
    while (rounds.length < ROUNDS) rounds.push(await once())
    const of = (which: keyof Round, share: number): string =>
      median(rounds.map((times) => percentile(times[which], share))).toFixed(0)
    const ratios = rounds.map(
      (times) => percentile(times.large, 0.99) / percentile(times.small, 0.99),
    )
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    console.log(
      `| ${title} | ${of('small', 0.5)} | ${of('small', 0.99)} | ${of('large', 0.5)} | ` +
        `${of('large', 0.99)} | **${median(ratios).toFixed(2)}** | ${range} | ` +
        `${of('many', 0.5)} | ${of('many', 0.99)} |`,
    )
  }
  console.log('\nPlans on the large one:\n')
  for (const title of ['get', ...Object.keys(queries), 'feed']) {
    const plan = await large.plan(title)
    const steps = plan.filter((line) => /Scan|SEARCH|SCAN|Sort(?! Key)|B-TREE/.test(line))
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
    shared_buffers: `${Math.floor(totalmem() / 4 / 2 ** 20)}MB`,
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
