import type { BetterAuthOptions } from 'better-auth'
import { openSqlite } from './sqlite-database.ts'

export type IdentityStorage =
  | Readonly<{ kind: 'memory' }>
  | Readonly<{ kind: 'sqlite'; path: string }>
  | Readonly<{ kind: 'postgres'; url: string }>

/** Its statements throw `unavailable` during an outage. */
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
