import { Database } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { BetterAuthOptions } from 'better-auth'
import { PostgresJSDialect } from 'kysely-postgres-js'
import postgres from 'postgres'

export type IdentityStorage =
  | Readonly<{ kind: 'memory' }>
  | Readonly<{ kind: 'sqlite'; path: string }>
  | Readonly<{ kind: 'postgres'; url: string }>

export type IdentityDatabase = Readonly<{
  database: NonNullable<BetterAuthOptions['database']>
  /** Runs a step while no other process runs one. */
  exclusively(step: () => Promise<void>): Promise<void>
  close(): Promise<void>
}>

/** "Identity" in ASCII, so that no other program takes this advisory lock. */
const LOCK = '5288463387513681017'

export const openIdentityDatabase = (storage: IdentityStorage): IdentityDatabase =>
  storage.kind === 'postgres'
    ? openPostgres(storage.url)
    : openSqlite(storage.kind === 'memory' ? ':memory:' : storage.path)

/** A file that the lock on the tasks beside it keeps for one process. */
const openSqlite = (path: string): IdentityDatabase => {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new Database(path, { create: true })
  database.run('pragma journal_mode = wal')
  database.run('pragma synchronous = full')
  database.run('pragma foreign_keys = on')
  return { database, exclusively: (step) => step(), close: async () => database.close() }
}

const openPostgres = (url: string): IdentityDatabase => {
  const options = { prepare: false, connect_timeout: 5, onnotice: () => {} }
  const sql = postgres(url, {
    ...options,
    max: 2,
    backoff: () => 0.1,
    connection: { application_name: 'taskport identity', search_path: 'taskport_identity' },
  })
  const exclusively = async (step: () => Promise<void>): Promise<void> => {
    const guard = postgres(url, { ...options, max: 1 })
    const locked = (inside: (transaction: postgres.TransactionSql) => Promise<unknown>) =>
      guard.begin(async (transaction) => {
        await transaction`select pg_advisory_xact_lock(${LOCK}::text::bigint)`
        await inside(transaction)
      })
    try {
      await locked((transaction) => transaction`create schema if not exists taskport_identity`)
      await locked(step)
    } finally {
      await guard.end({ timeout: 1 })
    }
  }
  return {
    database: { dialect: new PostgresJSDialect({ postgres: sql }), type: 'postgres' },
    exclusively,
    close: () => sql.end({ timeout: 1 }),
  }
}
