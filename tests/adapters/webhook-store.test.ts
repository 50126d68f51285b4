import { setDefaultTimeout } from 'bun:test'
import { join } from 'node:path'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { postgresStorage } from '../../src/adapters/postgres/storage.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { webhookStoreContract } from '../contracts/webhook-store.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freshDatabase } from '../support/postgres.ts'

setDefaultTimeout(30_000)

webhookStoreContract('memory', memoryStorage)

webhookStoreContract('sqlite', () => sqliteStorage(join(temporaryFolder(), 'taskport.db')))

webhookStoreContract('postgres', async () => {
  const storage = postgresStorage(await freshDatabase())
  await storage.migrated
  return storage
})
