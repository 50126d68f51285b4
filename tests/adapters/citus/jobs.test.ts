import { setDefaultTimeout } from 'bun:test'
import { jobQueueContract } from '../../contracts/job-queue.ts'
import { describeOnAnyCitus, freshCitusDatabase } from '../../support/citus.ts'
import { openQueue } from '../../support/jobs.ts'

setDefaultTimeout(60_000)

describeOnAnyCitus('jobs on the coordinator', () => {
  jobQueueContract('pg-boss on Citus', async () => openQueue(await freshCitusDatabase()))
})
