import { setDefaultTimeout } from 'bun:test'
import { join } from 'node:path'
import { memoryJobQueue } from '../../src/adapters/jobs/memory.ts'
import { pgBossQueue } from '../../src/adapters/jobs/pg-boss.ts'
import { sqliteJobQueue } from '../../src/adapters/jobs/sqlite.ts'
import { openDatabase } from '../../src/adapters/sqlite/database.ts'
import { jobQueueContract } from '../contracts/job-queue.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freshDatabase } from '../support/postgres.ts'

setDefaultTimeout(60_000)

jobQueueContract('memory', async () => memoryJobQueue({ pause: 20 }))

jobQueueContract('sqlite', async () => {
  const { db } = openDatabase(join(temporaryFolder(), 'taskport.db'))
  return sqliteJobQueue(db, { pause: 20 })
})

jobQueueContract('pg-boss', async () => {
  const queue = pgBossQueue(await freshDatabase(), { poll: 50, pause: 1 })
  await queue.started
  return queue
})
