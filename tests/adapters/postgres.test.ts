import { postgresTaskStore } from '../../src/adapters/postgres/task-store.ts'
import { taskStoreContract } from '../contracts/task-store.ts'
import { freshDatabase } from '../support/postgres.ts'

taskStoreContract('postgres', async () => {
  const store = postgresTaskStore(await freshDatabase())
  await store.migrated
  return store
})
