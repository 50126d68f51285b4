import { Database } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { BetterAuthOptions } from 'better-auth'

export type IdentityStorage =
  | Readonly<{ kind: 'memory' }>
  | Readonly<{ kind: 'sqlite'; path: string }>
  | Readonly<{ kind: 'postgres'; url: string }>

export type IdentityDatabase = Readonly<{
  database: NonNullable<BetterAuthOptions['database']>
  /** Runs a step under a lock across processes. */
  exclusively(step: () => Promise<void>): Promise<void>
  close(): Promise<void>
}>

export const openIdentityDatabase = async (storage: IdentityStorage): Promise<IdentityDatabase> => {
  if (storage.kind === 'memory') return openSqlite(':memory:')
  if (storage.kind === 'sqlite') return openSqlite(storage.path)
  const { openPostgres } = await import('./postgres-database.ts')
  return openPostgres(storage.url)
}

/** The lock on the task database beside it keeps other processes out. */
const openSqlite = (path: string): IdentityDatabase => {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new Database(path, { create: true })
  database.run('pragma journal_mode = wal')
  database.run('pragma synchronous = full')
  database.run('pragma foreign_keys = on')
  return { database, exclusively: (step) => step(), close: async () => database.close() }
}
