import { type PostgresOptions, postgresStorage } from '../../src/adapters/postgres/storage.ts'
import { within } from './wait.ts'

/** A storage whose database has been migrated. */
export const openPostgres = async (url: string, options: PostgresOptions = {}) => {
  const storage = postgresStorage(url, options)
  await within(storage.migrated, 'The database was not migrated.', 30_000)
  return storage
}
