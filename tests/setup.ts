import { afterAll } from 'bun:test'
import { dropCitusDatabases } from './support/citus.ts'
import { removeFolders } from './support/folder.ts'
import { dropDatabases } from './support/postgres.ts'
import { killServers } from './support/server.ts'

afterAll(async () => {
  killServers()
  removeFolders()
  await dropDatabases()
  await dropCitusDatabases()
})
