import { pgBossQueue } from '../../src/adapters/jobs/pg-boss.ts'
import type { Job, JobQueue } from '../../src/application/ports.ts'

export const jobOf = (id: string, owner = 'alice'): Job => ({ name: 'deliver', owner, id })

/** An impatient queue in a PostgreSQL database, connected. */
export const openQueue = async (url: string): Promise<JobQueue> => {
  const queue = pgBossQueue(url, { poll: 50, idlePoll: 50, pause: 1 })
  await queue.start()
  return queue
}
