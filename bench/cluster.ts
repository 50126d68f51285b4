import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { CHANGES } from '../src/adapters/postgres/changes.ts'
import { listStatement } from '../src/adapters/postgres/list-statements.ts'
import { GET } from '../src/adapters/postgres/read-tasks.ts'
import { type PostgresOptions, postgresStorage } from '../src/adapters/postgres/storage.ts'
import type { TaskStore } from '../src/application/ports.ts'
import { ORDERS, SORTS, STATUSES, taskQuery } from '../src/domain/task-query.ts'
import { citusCluster, citusDatabase } from '../tests/support/citus.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { idOf } from './bulk-load.ts'
import { loadPostgres } from './many-tasks.ts'
import { type CpuMeter, databaseCpu } from './servers.ts'
import { write } from './write.ts'

/**
 * What each node of a Citus cluster (a coordinator and two workers) does for a request, beside one
 * PostgreSQL with the same rows. It measures the store alone. See README.md in this folder.
 */
const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    samples: { type: 'string', default: '4000' },
  },
})
const TASKS = Number(options.tasks)
const ROUNDS = Number(options.rounds)
const SAMPLES = Number(options.samples)
const PER_USER = 10
const AT_ONCE = 16
const PAGE = { limit: 50, after: null }

const SETTINGS = {
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
}

type Access = (tasks: TaskStore, user: string, id: string) => Promise<unknown>

const accesses: Record<string, Access> = {
  get: (tasks, user, id) => tasks.get(user, id),
  list: (tasks, user) => tasks.list(user, taskQuery(), PAGE),
  feed: (tasks, user) => tasks.changes(user, PER_USER - 5, PER_USER - 5, 100),
  create: (tasks, user) => write(tasks, user, { op: 'create', draft: { title: 'new' } }),
  toggle: (tasks, user, id) => write(tasks, user, { op: 'complete', id, precondition: 'any' }),
}

const open = async (url: string, sharding: PostgresOptions['sharding'] = 'none') => {
  const fail = (error: unknown): never => {
    throw error
  }
  const storage = postgresStorage(url, {
    sharding,
    poolSize: AT_ONCE,
    onOutage: fail,
    onRefusal: fail,
  })
  await storage.migrated
  return storage
}

const load = async (url: string): Promise<void> => {
  await (await open(url)).close()
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await loadPostgres(sql, TASKS, PER_USER)
  await sql`update taskport.users set task_bytes = taskport.count_bytes(id)`
  await sql.end()
}

/** How many statements about one user are sent to one shard, and how many there are. */
const oneShard = async (url: string): Promise<[one: number, all: number]> => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const statements: [string, (string | null)[]][] = [
    [GET, ['user-7', idOf(7)]],
    [CHANGES, ['user-7', '5', '5', '101']],
  ]
  for (const sort of SORTS)
    for (const order of ORDERS)
      for (const status of STATUSES)
        statements.push(listStatement('user-7', taskQuery({ sort, order, status }), PAGE))
  let one = 0
  for (const [text, parameters] of statements) {
    const lines = await sql.unsafe(`explain (costs off) ${text}`, parameters)
    if (lines.some((line) => line['QUERY PLAN'].includes('Task Count: 1'))) one++
  }
  await sql.end()
  return [one, statements.length]
}

const median = (all: number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN

type Figures = Readonly<{ perSecond: number; cpu: number[] }>

const measure = async (
  access: Access,
  tasks: TaskStore,
  meters: readonly CpuMeter[],
): Promise<Figures> => {
  const counted = meters.map((meter) => meter())
  const began = performance.now()
  let left = SAMPLES
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const task = Math.floor(Math.random() * TASKS)
      await access(tasks, `user-${task % (TASKS / PER_USER)}`, idOf(task))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  const seconds = (performance.now() - began) / 1000
  const cpu = counted.map((count) => count() / SAMPLES)
  return { perSecond: SAMPLES / seconds, cpu }
}

const single = await privateServer(SETTINGS)
const cluster = await citusCluster({
  ...SETTINGS,
  'citus.log_remote_commands': 'off',
  'citus.shard_count': 32,
})
const url = await citusDatabase(cluster)
await load(single.url)
await load(url)
const began = performance.now()
const distributed = await open(url, 'citus')
const seconds = (performance.now() - began) / 1000
const sql = postgres(url, { max: 1 })
// No user's first write is to begin a timeline within what is measured.
await sql`
  select run_command_on_shards('taskport.users',
    'update %s set started = pg_postmaster_start_time(), file = pg_relation_filepath(tableoid)')`
await sql`vacuum analyze`
await sql.end()
console.log(
  `${TASKS} tasks of ${TASKS / PER_USER} users, moved in place in ${seconds.toFixed(0)} s`,
)
const [one, all] = await oneShard(url)
console.log(`${one} of ${all} reads about one user are sent to one shard\n`)

const plain = await open(single.url)
const alone = [databaseCpu(single, 'postgres')]
const { pathname } = new URL(url)
const together = [cluster.coordinator, ...cluster.workers].map((server) =>
  databaseCpu(server, pathname.slice(1)),
)
console.log('Processor time in µs for each request; medians.\n')
console.log(
  '| access | PostgreSQL | req/s | coordinator | workers, together | of PostgreSQL | req/s |',
)
console.log('|---|---|---|---|---|---|---|')
for (const [name, access] of Object.entries(accesses)) {
  const rounds: [Figures, Figures][] = []
  for (let n = 0; n <= ROUNDS; n++) {
    const figures: [Figures, Figures] = [
      await measure(access, plain.tasks, alone),
      await measure(access, distributed.tasks, together),
    ]
    if (n > 0) rounds.push(figures)
  }
  const single = median(rounds.map(([figures]) => figures.cpu[0] ?? 0))
  const coordinator = median(rounds.map(([, figures]) => figures.cpu[0] ?? 0))
  const workers = median(rounds.map(([, { cpu }]) => (cpu[1] ?? 0) + (cpu[2] ?? 0)))
  const rate = (which: 0 | 1): string =>
    median(rounds.map((figures) => figures[which].perSecond)).toFixed(0)
  console.log(
    `| ${name} | ${single.toFixed(0)} | ${rate(0)} | ${coordinator.toFixed(0)} | ${workers.toFixed(0)} | ` +
      `${(coordinator / single).toFixed(2)} + ${(workers / single).toFixed(2)} | ${rate(1)} |`,
  )
}
await Promise.all([plain.close(), distributed.close()])
await Promise.all([single.close(), cluster.close()])
process.exit(0)
