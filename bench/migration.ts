import { Database } from 'bun:sqlite'
import { statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { postgresStorage } from '../src/adapters/postgres/storage.ts'
import { sqliteStorage } from '../src/adapters/sqlite/storage.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { formerPostgres, formerSqlite } from './former-database.ts'

/**
 * How long the upgrade of a database takes in which a task had a column for each field, and how large
 * the database is before, meanwhile (with the write-ahead log on SQLite, without on PostgreSQL) and
 * after. PostgreSQL is durable (`fsync`). See README.md in this folder.
 */
const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000000' },
    only: { type: 'string', default: 'sqlite,postgres' },
  },
})
const PER_USER = 100
const TASKS = Math.max(1, Math.floor(Number(options.tasks) / PER_USER)) * PER_USER
const WATCH_MS = 100

type Upgrade = Readonly<{
  seconds: number
  before: number
  most: number
  after: number
  tasks: number
  longest?: Readonly<{ seconds: number; migration: number }>
}>

const report = (name: string, { seconds, before, most, after, tasks, longest }: Upgrade): void => {
  if (tasks !== TASKS) throw new Error(`${name} has ${tasks} of ${TASKS} tasks afterwards`)
  const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`
  console.log(`${name}, ${TASKS} tasks: ${seconds.toFixed(1)} s`)
  console.log(
    `  size: ${megabytes(before)} before, at most ${megabytes(most)}, ${megabytes(after)} after`,
  )
  if (!longest) return
  console.log(
    `  longest transaction: ${longest.seconds.toFixed(1)} s, of migration ${longest.migration}`,
  )
}

/** Looks again and again how large the database is and how long the present transaction has taken. */
const watch = (url: string) => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const seen = { most: 0, longest: { seconds: 0, migration: 0 } }
  let present = { since: '', migration: 0 }
  let stopped = false
  const look = async (): Promise<void> => {
    while (!stopped) {
      const [{ size, ...row }] = await sql<
        [{ size: number; since: string; seconds: number; migration: number }]
      >`
        select pg_database_size(current_database())::float as size,
          coalesce(min(xact_start)::text, '') as since,
          coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float as seconds,
          (select max(version) + 1 from taskport.migrations) as migration
        from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend'
          and pid <> pg_backend_pid()`
      // While it removes files, a transaction still goes on that others see as committed.
      if (row.since !== present.since) present = row
      seen.most = Math.max(seen.most, size)
      if (row.seconds > seen.longest.seconds) {
        seen.longest = { seconds: row.seconds, migration: present.migration }
      }
      await Bun.sleep(WATCH_MS)
    }
  }
  const looking = look()
  return async () => {
    stopped = true
    await looking
    await sql.end()
    return seen
  }
}

const upgradePostgres = async (): Promise<Upgrade> => {
  const server = await privateServer({
    fsync: 'on',
    full_page_writes: 'on',
    shared_buffers: `${Math.floor(totalmem() / 4 / 2 ** 20)}MB`,
  })
  const sql = postgres(server.url, { max: 1, onnotice: () => {} })
  const size = async (): Promise<number> =>
    (await sql`select pg_database_size(current_database())::float as size`)[0]?.['size']
  await formerPostgres(sql, TASKS)
  await sql`checkpoint`
  const before = await size()
  const stop = watch(server.url)
  const fail = (error: unknown): never => {
    throw error
  }
  const began = performance.now()
  const storage = postgresStorage(server.url, { onOutage: fail, onRefusal: fail })
  await storage.migrated
  const seconds = (performance.now() - began) / 1000
  const seen = await stop()
  const after = await size()
  const [row] = await sql`select count(*)::float as tasks from taskport.tasks`
  await storage.close()
  await sql.end()
  await server.close()
  return { ...seen, seconds, before, after, tasks: row?.['tasks'] }
}

/** Nothing else can be done while the file is opened, so the length of a transaction does not matter. */
const upgradeSqlite = (): Upgrade => {
  const path = join(temporaryFolder(), 'former.db')
  formerSqlite(path, TASKS)
  const before = statSync(path).size
  const began = performance.now()
  const storage = sqliteStorage(path)
  const seconds = (performance.now() - began) / 1000
  const most = statSync(path).size + statSync(`${path}-wal`).size
  storage.close()
  const db = new Database(path, { readonly: true })
  const tasks = db.query<{ tasks: number }, []>('select count(*) as tasks from tasks').get()?.tasks
  db.close()
  return { seconds, before, most, after: statSync(path).size, tasks: tasks ?? 0 }
}

if (options.only.includes('sqlite')) report('SQLite', upgradeSqlite())
if (options.only.includes('postgres')) report('PostgreSQL', await upgradePostgres())
process.exit(0)
