/** Takes a job and never finishes it; says so on stdout. `bun hold-job.ts <sqlite file or database URL>` */
import { openQueue } from './jobs.ts'

const queue = await openQueue(Bun.argv[2] ?? '')
queue.work(async ({ key }) => {
  process.stdout.write(`${key}\n`)
  await new Promise(() => {})
})
