import { afterAll } from 'bun:test'
import { removeFolders } from './support/folder.ts'
import { dropDatabases } from './support/postgres.ts'

afterAll(async () => {
  removeFolders()
  await dropDatabases()
})
