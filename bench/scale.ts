import { Database } from 'bun:sqlite'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { CHANGES as POSTGRES_CHANGES } from '../src/adapters/postgres/changes.ts'
import { listStatement } from '../src/adapters/postgres/list-statements.ts'
import { GET_TOGETHER, GET as POSTGRES_GET } from '../src/adapters/postgres/read-tasks.ts'
import { postgresStorage } from '../src/adapters/postgres/storage.ts'
import { CHANGES as SQLITE_CHANGES } from '../src/adapters/sqlite/changes.ts'
import { listStatements, GET as SQLITE_GET } from '../src/adapters/sqlite/read-tasks.ts'
import { sqliteStorage } from '../src/adapters/sqlite/storage.ts'
import type { TaskStore } from '../src/application/ports.ts'
import { SORTS, type TaskQuery, taskQuery } from '../src/domain/task-query.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { idOf } from './bulk-load.ts'
import { loadPostgres, loadSqlite, MANY, PER_USER } from './many-tasks.ts'
import { write } from './write.ts'

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
/**
 * Accesses of one turn. One at a time over one connection, PostgreSQL's answer would depend on the
 * core that its process happens to run on; SQLite is part of this process.
 */
const AT_ONCE = { PostgreSQL: 8, SQLite: 1 }
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
  create: (tasks, user) => write(tasks, user, { op: 'create', draft: { title: 'new' } }),
  toggle: (tasks, user, id) => write(tasks, user, { op: 'complete', id, precondition: 'any' }),
}

type Opened = Readonly<{
  tasks: TaskStore
  /** What the database does for each query, a line for each step. */
  plans(): Promise<[name: string, steps: string[]][]>
  close(): Promise<void>
}>

const openPostgres = async (url: string, count: number): Promise<Opened> => {
  const fail = (error: unknown): never => {
    throw error
  }
  const storage = postgresStorage(url, {
    poolSize: AT_ONCE.PostgreSQL,
    onOutage: fail,
    onRefusal: fail,
  })
  await storage.migrated
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await loadPostgres(sql, count)
  const id = idOf(LARGE)
  const statements: Record<string, [text: string, parameters: (string | null)[]]> = {
    get: [POSTGRES_GET, ['many', id]],
    'get, together': [GET_TOGETHER, [JSON.stringify([{ n: 0, owner: 'many', id }])]],
    ...Object.fromEntries(
      Object.entries(queries).map(([name, query]) => [name, listStatement('many', query, PAGE)]),
    ),
    feed: [POSTGRES_CHANGES, ['many', '80', '80', '101']],
  }
  const plan = async (text: string, parameters: (string | null)[]): Promise<string[]> => {
    const lines = await sql.unsafe(`explain (costs off) ${text}`, parameters)
    return lines.map((line) => line['QUERY PLAN'])
  }
  return {
    tasks: storage.tasks,
    plans: async () => {
      const plans: [string, string[]][] = []
      for (const [name, [text, parameters]] of Object.entries(statements)) {
        plans.push([name, await plan(text, parameters)])
      }
      return plans
    },
    close: async () => {
      await sql.end()
      await storage.close()
    },
  }
}

const openSqlite = async (path: string, count: number): Promise<Opened> => {
  sqliteStorage(path).close()
  loadSqlite(path, count)
  const { tasks, close } = sqliteStorage(path)
  const db = new Database(path)
  // No user's first write is to begin a timeline within what is measured.
  await write(tasks, 'first', { op: 'create', draft: { title: 'first' } })
  db.run(`update users set incarnation = (select incarnation from users where id = 'first')`)
  const explain = (text: string, parameters: readonly unknown[]): string[] =>
    db
      .query<{ detail: string }, string[]>(`explain query plan ${text}`)
      .all(...(parameters as string[]))
      .map(({ detail }) => detail)
  return {
    tasks,
    plans: async () => [
      ['get', explain(SQLITE_GET, ['many', idOf(LARGE)])],
      ...Object.entries(queries).map(([name, query]): [string, string[]] => [
        name,
        listStatements('many', query, PAGE).flatMap(({ text, parameters }) =>
          explain(text, [...parameters, 51]),
        ),
      ]),
      ['feed', explain(SQLITE_CHANGES, ['many', 80, 80, 101])],
    ],
    close: async () => {
      db.close()
      close()
    },
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
  for (const [title, plan] of await large.plans()) {
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
