import { PostgresDialect, type PostgresPoolClient } from 'kysely'
import { isOutage } from '../pg/outage.ts'
import { openPool, type Pool } from '../pg/pool.ts'
import type { IdentityDatabase } from './database.ts'
import { outage } from './request-state.ts'

/** "Identity" in ASCII, which no other program uses as an advisory lock. */
const LOCK = '5288463387513681017'

const SCHEMA = 'taskport_identity'

const STATEMENT_MS = 5000

/** A statement of a migration may take longer. */
const MIGRATION_STATEMENT_MS = 30_000

/** A wait for the lock, and the pause between two attempts. */
const LOCK_MS = 30_000
const LOCK_PAUSE_MS = 50

/** A separate pool, so that tasks and accounts never wait for each other's connections. */
export const openPostgres = (url: string): IdentityDatabase => {
  let pool = poolOf(url, MIGRATION_STATEMENT_MS)
  const connect = async (): Promise<PostgresPoolClient> => {
    const { query, release } = await noted(pool.connect())
    const notedQuery = (text: string, parameters: readonly unknown[]) =>
      noted(query(text, parameters))
    return { query: notedQuery as unknown as PostgresPoolClient['query'], release }
  }
  return {
    database: {
      dialect: new PostgresDialect({ pool: { connect, end: () => pool.end(), options: {} } }),
      type: 'postgres',
      schemaName: SCHEMA,
      transaction: true,
    },
    exclusively: async (step) => {
      await locked(pool, step)
      const former = pool
      pool = poolOf(url, STATEMENT_MS)
      await former.end()
    },
    close: () => Promise.race([pool.end(), Bun.sleep(1000)]),
  }
}

const poolOf = (url: string, statementDeadline: number): Pool =>
  openPool(url, { name: 'taskport identity', size: 4, statementDeadline, connectionDeadline: 2000 })

const noted = async <Result>(step: Promise<Result>): Promise<Result> => {
  try {
    return await step
  } catch (error) {
    throw isOutage(error) ? outage(error) : error
  }
}

/** Citus needs all nodes for the statement, also where there is nothing to create. */
const CREATE_SCHEMA = `
  do $$ begin
    if to_regnamespace('${SCHEMA}') is null then create schema ${SCHEMA}; end if;
  end $$`

/**
 * Runs a step under a lock across processes, with the schema in place. A process that waits for the
 * lock holds no session, of which a pooler may have few; the step needs one beside the lock's.
 */
const locked = async (pool: Pool, step: () => Promise<void>): Promise<void> => {
  const { query, release } = await pool.connect()
  const attempt = async (inside: () => Promise<unknown>): Promise<boolean> => {
    await query('begin')
    try {
      const { rows } = await query(`select pg_try_advisory_xact_lock(${LOCK}) as free`)
      if (rows[0].free) await inside()
      await query('commit')
      return rows[0].free
    } catch (error) {
      await query('rollback').catch(() => {})
      throw error
    }
  }
  const whenFree = async (inside: () => Promise<unknown>): Promise<void> => {
    const end = performance.now() + LOCK_MS
    while (!(await attempt(inside))) {
      if (performance.now() > end) throw new Error('Another process keeps the accounts locked.')
      await Bun.sleep(LOCK_PAUSE_MS)
    }
  }
  try {
    await whenFree(() => query(CREATE_SCHEMA))
    await whenFree(step)
  } finally {
    release()
  }
}
