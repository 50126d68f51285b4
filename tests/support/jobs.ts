import { pgBossQueue } from '../../src/adapters/jobs/pg-boss.ts'
import { sqliteJobQueue } from '../../src/adapters/jobs/sqlite.ts'
import { openDatabase } from '../../src/adapters/sqlite/database.ts'
import type { JobQueue } from '../../src/application/ports.ts'

/** An impatient queue in a PostgreSQL database, or in a SQLite file. */
export const openQueue = async (place: string): Promise<JobQueue> => {
  if (!place.startsWith('postgres:')) {
    const { db, close } = openDatabase(place)
    const queue = sqliteJobQueue(db, { pause: 20 })
    return {
      ...queue,
      stop: async () => {
        await queue.stop()
        close()
      },
    }
  }
  const queue = pgBossQueue(place, { poll: 50, pause: 1 })
  await queue.started
  return queue
}
