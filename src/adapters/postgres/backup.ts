import type { TaskRow } from '../../application/backup.ts'
import { type Connection, openPool, type Pool } from '../pg/pool.ts'
import { parseDatabaseUrl } from '../pg/url.ts'

/** Jobs are not in it: what is due is found in the tables. */
const SCHEMAS = ['taskport', 'taskport_identity']

/** "Backup" in ASCII. */
const LOCK = '72902043266416'

const CONNECTION_MS = 10_000
const BATCH = 500

const AUTHORITY = /^(postgres(?:ql)?:\/\/[^/?#]*)(?:\/[^?#]*)?/

export type Snapshot = Readonly<{
  tasks(): AsyncGenerator<TaskRow>
  /** Writes a file in the custom format of `pg_dump`. */
  dumpTo(file: string): Promise<void>
  close(): Promise<void>
}>

const open = (url: string, name: string): Pool =>
  openPool(url, { name, size: 1, connectionDeadline: CONNECTION_MS })

/** The database as it is now, until closed. Throws an Error that says what to do. */
export const openSnapshot = async (url: string): Promise<Snapshot> => {
  const pool = open(url, 'taskport backup')
  const connection = await pool.connect()
  const close = async (): Promise<void> => {
    await connection.query('rollback').catch(() => {})
    connection.release()
    await pool.end()
  }
  try {
    await connection.query('set idle_in_transaction_session_timeout = 0')
    await connection.query('begin isolation level repeatable read read only')
    await throwIfUnusable(connection)
    const { rows } = await connection.query('select pg_export_snapshot() as id')
    const snapshot = String(rows[0].id)
    return { tasks: () => tasksOf(connection), dumpTo: (file) => dump(url, snapshot, file), close }
  } catch (error) {
    await close()
    throw error
  }
}

const throwIfUnusable = async ({ query }: Connection): Promise<void> => {
  const { rows } = await query(`
    select to_regclass('taskport.tasks') is not null as present,
      exists (select from pg_extension where extname = 'citus') as spread`)
  const [{ present, spread } = { present: false, spread: false }] = rows
  if (!present) throw new Error('The database has no tasks yet. Start the server once.')
  if (!spread) return
  throw new Error(
    'The database is spread over several nodes by Citus, which pg_dump does not follow. Back up ' +
      'each node with the tools of PostgreSQL, such as pg_basebackup.',
  )
}

async function* tasksOf({ query }: Connection): AsyncGenerator<TaskRow> {
  await query(`
    declare backup_tasks no scroll cursor for
    select user_id as owner, id::text as id, revision, timeline, document from taskport.tasks
    order by user_id, revision`)
  try {
    for (;;) {
      const { rows } = await query(`fetch ${BATCH} from backup_tasks`)
      yield* rows as TaskRow[]
      if (rows.length < BATCH) return
    }
  } finally {
    await query('close backup_tasks').catch(() => {})
  }
}

const dump = (url: string, snapshot: string, file: string): Promise<void> =>
  run('pg_dump', url, [
    '--format=custom',
    '--no-owner',
    '--no-privileges',
    `--snapshot=${snapshot}`,
    ...SCHEMAS.map((schema) => `--schema=${schema}`),
    `--file=${file}`,
  ])

export type Scratch = Readonly<{
  url: string
  tasks(): AsyncGenerator<TaskRow>
  endReading(): Promise<void>
  drop(): Promise<void>
}>

/**
 * Restores a file into a new database on the server of the URL. One at a time; what an earlier one
 * has left is dropped first. Throws an Error that says what to do.
 */
export const restoreToScratch = async (url: string, file: string): Promise<Scratch> => {
  const pool = open(url, 'taskport backup')
  const connection = await pool.connect()
  const database = `taskport_scratch_${crypto.randomUUID().replaceAll('-', '')}`
  const scratch = url.replace(AUTHORITY, `$1/${database}`)
  const drop = async (): Promise<void> => {
    await dropScratch(connection).finally(async () => {
      await connection.query(`select pg_advisory_unlock(${LOCK})`).catch(() => {})
      connection.release()
      await pool.end()
    })
  }
  await connection.query(`select pg_advisory_lock(${LOCK})`)
  try {
    await dropScratch(connection)
    await create(connection, database)
    await run('pg_restore', scratch, ['--exit-on-error', '--no-owner', file])
    const reading = open(scratch, 'taskport backup')
    const reader = await reading.connect()
    await reader.query('begin isolation level repeatable read read only')
    const endReading = async (): Promise<void> => {
      await reader.query('rollback').catch(() => {})
      reader.release()
      await reading.end()
    }
    return { url: scratch, tasks: () => tasksOf(reader), endReading, drop }
  } catch (error) {
    await drop().catch(() => {})
    throw error
  }
}

/** Those made from this database, which the comment names. */
const dropScratch = async ({ query }: Connection): Promise<void> => {
  const { rows } = await query(`
    select d.datname as name from pg_database as d
    where d.datname like 'taskport\\_scratch\\_%'
      and shobj_description(d.oid, 'pg_database') = 'of ' || current_database()`)
  for (const { name } of rows) await query(`drop database if exists "${name}" with (force)`)
}

const create = async ({ query }: Connection, database: string): Promise<void> => {
  const { rows } = await query(`
    select pg_encoding_to_char(encoding) as encoding, datcollate as collation, datctype as type,
      quote_literal('of ' || datname) as origin
    from pg_database where datname = current_database()`)
  const { encoding, collation, type, origin } = rows[0]
  try {
    await query(`
      create database ${database} template template0 encoding '${encoding}'
      lc_collate '${collation}' lc_ctype '${type}'`)
  } catch (cause) {
    throw new Error(
      'Cannot create a database on the server to verify the backup. Grant the role the right to: ' +
        'alter role … createdb. For verify, DATABASE_URL may also name another server.',
      { cause },
    )
  }
  await query(`comment on database ${database} is ${origin}`)
}

/** The password is not in the arguments, which other users of the machine can read. */
const run = async (program: string, url: string, args: readonly string[]): Promise<void> => {
  const path = Bun.which(program)
  if (path === null) {
    throw new Error(`${program} is not installed. Install the client programs of PostgreSQL.`)
  }
  const { password } = parseDatabaseUrl(url)
  const child = Bun.spawn([path, `--dbname=${withoutPassword(url)}`, ...args], {
    env: { ...process.env, ...(password !== undefined && { PGPASSWORD: password }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [errors, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
  if (code === 0) return
  const full = /No space left on device|File too large/.test(errors)
  throw Object.assign(new Error(`${program} failed: ${errors.trim()}`), full && { code: 'ENOSPC' })
}

/** As libpq reads it, which knows no `pgbouncer`. */
const withoutPassword = (url: string): string =>
  url
    .replace(/^([^/]*\/\/[^/?#@:]*):[^/?#@]*@/, '$1@')
    .replace(/([?&])pgbouncer=[^&]*&?/, '$1')
    .replace(/[?&]$/, '')
