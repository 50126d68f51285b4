import { readConfig } from '../config.ts'
import { fail } from '../shutdown.ts'
import { openStorage } from '../storage.ts'
import { commandLog } from './log.ts'

/** Accounts as well as tasks. Throws an Error that says what to do. */
export const migrate = async (): Promise<void> => {
  const config = readConfig(process.env)
  const { storage } = config
  const { migrateAccounts } = await import('./accounts.ts')
  if (storage.kind === 'memory') {
    throw new Error('Nothing is stored with DATABASE_URL=memory:, so there is nothing to migrate.')
  }
  if (storage.kind === 'postgres') {
    const postgres = await import('../../adapters/postgres/migrate.ts')
    await postgres.migrate(storage.url, storage.sharding)
    await migrateAccounts(config)
  } else {
    const { reached, close } = await openStorage(storage, commandLog, fail)
    await reached.then(() => migrateAccounts(config)).finally(close)
  }
  process.stdout.write('The database is up to date.\n')
}
