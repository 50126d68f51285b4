import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { temporaryFolder } from '../tests/support/folder.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { seedUser, type User, untilReady } from './dataset.ts'
import { type MeasuredServer, SHIPPED, startMeasured } from './servers.ts'
import { type LoadRequest, load } from './wrk.ts'

/**
 * What tasks and writes take in PostgreSQL: bytes a task in tables and indexes, write-ahead log a
 * write, and how many updates of each table are HOT. All through the HTTP API, 100 tasks a user; the
 * tables are found in the catalogue. See README.md in this folder.
 */
const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000000' },
    active: { type: 'string', default: '200' },
    connections: { type: 'string', default: '32' },
    passes: { type: 'string', default: '3' },
  },
})
const PER_USER = 100
const USERS = Math.ceil(Number(options.tasks) / PER_USER)
const ACTIVE = Math.min(Number(options.active), USERS)
const CONNECTIONS = Number(options.connections)
const PASSES = Number(options.passes)
const SEEDING = 8

const folder = temporaryFolder()
const cluster = await privateServer({
  autovacuum: 'off',
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
})
const sql = postgres(cluster.url, { max: 1, onnotice: () => {} })
const env = { ...SHIPPED, ...SHARED, DATABASE_URL: cluster.url }

const started = async (): Promise<MeasuredServer> => {
  const server = await startMeasured(['../src/main.ts'], folder, env)
  await untilReady(server.url)
  return server
}

/** The last users of all; they are the ones who write. */
const seed = async (): Promise<User[]> => {
  const server = await started()
  const users: User[] = []
  let next = 0
  const loader = async (): Promise<void> => {
    while (next < USERS) {
      const n = next++
      const [user] = await seedUser(server.url, `user-${n}`)
      if (n >= USERS - ACTIVE) users.push(user)
    }
  }
  await Promise.all(Array.from({ length: SEEDING }, loader))
  await server.stop()
  await sql`vacuum analyze`
  return users
}

const line = (cells: readonly (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`)

const table = (head: readonly string[]): void => {
  console.log('')
  line(head)
  line(head.map(() => '---'))
}

type Size = Readonly<{ name: string; bytes: number; index_bytes: number }>

const reportSizes = async (tasks: number): Promise<void> => {
  const sizes = await sql<Size[]>`
    select relname as name,
      (pg_relation_size(oid) + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0))::float as bytes,
      pg_indexes_size(oid)::float as index_bytes
    from pg_class
    where relnamespace = 'taskport'::regnamespace and relkind in ('r', 'm')
    order by bytes desc`
  table(['table', 'bytes a task', 'its indexes'])
  const perTask = (bytes: number): string => (bytes / tasks).toFixed(1)
  for (const { name, bytes, index_bytes } of sizes) {
    if ((bytes + index_bytes) / tasks >= 0.05) line([name, perTask(bytes), perTask(index_bytes)])
  }
  const sum = (of: (size: Size) => number): string =>
    perTask(sizes.reduce((total, size) => total + of(size), 0))
  line(['**all**', `**${sum(({ bytes }) => bytes)}**`, `**${sum((size) => size.index_bytes)}**`])
}

type Updates = Map<string, { updated: number; hot: number }>

const countUpdates = async (): Promise<Updates> => {
  const rows = await sql`
    select relname, n_tup_upd::float as updated, n_tup_hot_upd::float as hot
    from pg_stat_user_tables where schemaname = 'taskport'`
  return new Map(rows.map((row) => [row['relname'], { updated: row['updated'], hot: row['hot'] }]))
}

const writePosition = async (): Promise<number> =>
  Number((await sql`select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as at`)[0]?.['at'])

type Pass = Readonly<{ written: number; wal: number; updates: Updates }>

/**
 * Sends the requests until each has been sent so many times. The server is stopped before the updates
 * are counted: PostgreSQL's processes report theirs when they end, and only now and then before.
 */
const writes = async (requests: readonly LoadRequest[], times: number): Promise<Pass> => {
  const before = await countUpdates()
  const server = await started()
  const from = await writePosition()
  let written = 0
  const at = { connections: CONNECTIONS, seconds: 2, folder }
  while (written < requests.length * times) {
    written += (await load(server.url, requests, at)).written
  }
  const wal = (await writePosition()) - from
  await server.stop()
  const after = await countUpdates()
  const updates: Updates = new Map()
  for (const [name, { updated, hot }] of after) {
    const { updated: u = 0, hot: h = 0 } = before.get(name) ?? {}
    if (updated > u) updates.set(name, { updated: updated - u, hot: hot - h })
  }
  return { written, wal, updates }
}

const hotShares = ({ written, updates }: Pass): string =>
  [...updates]
    .map(([name, { updated, hot }]) => ({ name, each: updated / written, share: hot / updated }))
    .filter(({ each }) => each >= 0.01)
    .map(({ name, each, share }) => `${name} ${each.toFixed(2)}, ${(share * 100).toFixed(0)} % HOT`)
    .join('; ')

const users = await seed()
await reportSizes(USERS * PER_USER)

const request = (user: User, id: string, body?: object): Omit<LoadRequest, 'method' | 'path'> => ({
  headers: {
    authorization: `Bearer ${user.token}`,
    ...(body && { 'content-type': 'application/json' }),
  },
  ...(body && { body: JSON.stringify(body) }),
  status: id ? 200 : 201,
  owner: user.name,
  count: 1,
})
const put = (user: User, id: string, body: object): LoadRequest => ({
  method: 'PUT',
  path: `/api/tasks/${id}`,
  ...request(user, id, body),
})
const kinds: Record<string, (user: User, id: string) => LoadRequest> = {
  toggle: (user, id) => ({
    method: 'PATCH',
    path: `/api/tasks/${id}/complete`,
    ...request(user, id),
  }),
  title: (user, id) => put(user, id, { title: 'Title ########## of it' }),
  description: (user, id) => put(user, id, { description: 'Something ########## to be done' }),
  create: (user) => ({
    method: 'POST',
    path: '/api/tasks',
    ...request(user, '', { title: 'New task ##########' }),
  }),
}

/** By turns, as users come: two writes in a row are of different users. */
const plan = (kind: (user: User, id: string) => LoadRequest): LoadRequest[] =>
  Array.from({ length: PER_USER }, (_, n) =>
    users.map((user) => kind(user, user.ids[n] ?? '')),
  ).flat()

table(['write', 'WAL bytes a write', 'updates a write', 'updates a write, first pass'])
for (const [name, kind] of Object.entries(kinds)) {
  const requests = plan(kind)
  const first = await writes(requests, 1)
  await sql`vacuum`
  await sql`checkpoint`
  const steady = await writes(requests, PASSES)
  const bytes = (steady.wal / steady.written).toFixed(0)
  line([name, bytes, hotShares(steady), hotShares(first)])
}
await sql.end()
await cluster.close()
process.exit(0)
