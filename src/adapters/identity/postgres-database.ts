import { PostgresDialect, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { IdentityDatabase } from './database.ts'
import { outage } from './request-state.ts'

/** "Identity" in ASCII, which no other program uses as an advisory lock. */
const LOCK = '5288463387513681017'

const SCHEMA = 'taskport_identity'

/** Until there is a connection, a new one or one of the pool. */
const CONNECT_MS = 2000

const STATEMENT_MS = 5000

/** A statement of a migration may take longer. */
const MIGRATION_STATEMENT_MS = 30_000

/** A separate pool, so that tasks and accounts never wait for each other's connections. */
export const openPostgres = (url: string): IdentityDatabase => {
  const { mode, options } = optionsOf(url)
  const pool = new pg.Pool({ ...options, max: 4, idleTimeoutMillis: 2000 })
  pool.on('connect', withoutUncaughtErrors)
  pool.on('error', () => {})
  let deadline = MIGRATION_STATEMENT_MS
  const connect = async (): Promise<PostgresPoolClient> => {
    try {
      return guarded(await pool.connect(), deadline)
    } catch (error) {
      throw outage(error)
    }
  }
  return {
    database: {
      dialect: new PostgresDialect({ pool: { connect, end: () => pool.end(), options: {} } }),
      type: 'postgres',
      schemaName: SCHEMA,
      transaction: true,
    },
    exclusively: async (step) => {
      try {
        await locked(pool.options, step)
      } catch (error) {
        if (mode === 'prefer' && isWithoutTls(error)) pool.options.ssl = false
        throw error
      }
      deadline = STATEMENT_MS
    },
    close: () => Promise.race([pool.end(), Bun.sleep(1000)]),
  }
}

/** With the meanings that the driver of the tasks gives to `sslmode`. */
const optionsOf = (url: string): { mode: string; options: pg.ClientConfig } => {
  const address = new URL(url)
  const { searchParams } = address
  const mode = searchParams.get('sslmode') ?? searchParams.get('ssl') ?? 'disable'
  for (const name of [...searchParams.keys()]) if (/^ssl/.test(name)) searchParams.delete(name)
  const unverified = /^(allow|prefer|require)$/.test(mode)
  const ssl = !/^(disable|false)$/.test(mode) && { rejectUnauthorized: !unverified }
  const options = {
    connectionString: address.href,
    application_name: 'taskport identity',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    ssl,
  }
  return { mode, options }
}

const isWithoutTls = (error: unknown): boolean =>
  error instanceof Error && error.message === 'The server does not support SSL connections'

/** An error of a connection fails its statement, or the next one; as an event it ends the process. */
const withoutUncaughtErrors = (client: pg.Client): void => void client.on('error', () => {})

/** Throws `unavailable` during an outage; the connection that met it is closed. */
const guarded = (client: pg.PoolClient, deadline: number): PostgresPoolClient => {
  let broken = false
  const query = async (text: string, parameters: readonly unknown[]) => {
    try {
      return await withDeadline(client, deadline, client.query(text, [...parameters]))
    } catch (error) {
      if (!isOutage(error)) throw error
      broken = true
      throw outage(error)
    }
  }
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy = false) => client.release(destroy || broken),
  }
}

/** Closes the connection at the deadline, since it may never respond; that fails the statement. */
const withDeadline = <Result>(
  client: pg.Client,
  milliseconds: number,
  statement: Promise<Result>,
): Promise<Result> => {
  const timer = setTimeout(() => void client.end(), milliseconds)
  return statement.finally(() => clearTimeout(timer))
}

/** Connection, resources, operator intervention, rollback, lock timeout, read-only standby. */
const OUTAGE_STATE = /^(08|53|57|40|55P03|25006)/

const isOutage = (error: unknown): boolean =>
  !(error instanceof pg.DatabaseError) || OUTAGE_STATE.test(error.code ?? '')

/** Runs a step under a lock across processes, with the schema in place. */
const locked = async (options: pg.ClientConfig, step: () => Promise<void>): Promise<void> => {
  const client = new pg.Client(options)
  withoutUncaughtErrors(client)
  const query = (text: string) => withDeadline(client, STATEMENT_MS, client.query(text))
  const transaction = async (inside: () => Promise<unknown>): Promise<void> => {
    await query('begin')
    await query(`select pg_advisory_xact_lock(${LOCK})`)
    await inside()
    await query('commit')
  }
  try {
    await client.connect()
    await transaction(() => query(`create schema if not exists ${SCHEMA}`))
    await transaction(step)
  } finally {
    void client.end()
  }
}
