import { join } from 'node:path'
import postgres from 'postgres'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import type { TaskStore, WebhookStore } from '../../src/application/ports.ts'
import { freshCitusDatabase } from './citus.ts'
import { hasCitus } from './citus-binaries.ts'
import { temporaryFolder } from './folder.ts'
import { openPostgres } from './open-postgres.ts'
import { freshDatabase } from './postgres.ts'

type Settings = Readonly<Record<string, string>>

if (!hasCitus) console.warn('Left out: servers on Citus. It is not installed.')

export const onPostgres = async (): Promise<Settings> => ({ DATABASE_URL: await freshDatabase() })

const onCitus = async (): Promise<Settings> => ({
  DATABASE_URL: await freshCitusDatabase(),
  DATABASE_SHARDING: 'citus',
})

/** By the names of the storages, the settings of a server on an empty one; Citus where it is installed. */
export const SERVER_STORAGES: Readonly<Record<string, () => Promise<Settings>>> = {
  SQLite: async () => ({}),
  PostgreSQL: onPostgres,
  ...(hasCitus && { Citus: onCitus }),
}

type Storage = Readonly<{ tasks: TaskStore; webhooks: WebhookStore }>

const TABLES = ['users', 'tasks', 'changes', 'idempotency_records', 'webhooks']
const CLEAR = TABLES.map((table) => `delete from taskport.${table}`).join(';')

/** One that stays open, and is emptied for each test. */
const emptied = async (
  url: string,
  sharding: 'none' | 'citus',
): Promise<() => Promise<Storage>> => {
  const storage = await openPostgres(url, { sharding })
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  return async () => {
    await sql.unsafe(CLEAR)
    return storage
  }
}

type Open = () => Storage | Promise<Storage>

const KINDS: Readonly<Record<string, () => Open | Promise<Open>>> = {
  memory: () => memoryStorage,
  sqlite: () => () => sqliteStorage(join(temporaryFolder(), 'taskport.db')),
  postgres: async () => emptied(await freshDatabase(), 'none'),
  citus: async () => emptied(await freshCitusDatabase(), 'citus'),
}

const kind = process.env['TEST_STORAGE'] ?? 'memory'
const open = await KINDS[kind]?.()

/** An empty storage for a test of the API: in memory unless `TEST_STORAGE` names another. */
export const emptyStorage = async (): Promise<Storage> => {
  if (!open) throw new Error(`TEST_STORAGE is ${kind}, not ${Object.keys(KINDS).join(', ')}.`)
  return open()
}
