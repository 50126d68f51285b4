import { PostgresJSDialect } from 'kysely-postgres-js'
import postgres from 'postgres'
import type { IdentityDatabase } from './database.ts'

/** "Identity" in ASCII, which no other program uses as an advisory lock. */
const LOCK = '5288463387513681017'

/** A separate schema and pool: sign-up holds a transaction while it hashes the password. */
export const openPostgres = (url: string): IdentityDatabase => {
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
