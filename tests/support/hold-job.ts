/** Takes a job and never finishes it; writes its id to stdout. `bun hold-job.ts <database URL>` */
import { openQueue } from './jobs.ts'

const queue = await openQueue(Bun.argv[2] ?? '')
queue.work(async ({ id }) => {
  process.stdout.write(`${id}\n`)
  await new Promise(() => {})
})
