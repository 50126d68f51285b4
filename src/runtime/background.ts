import type { App } from '../application/index.ts'
import type { Log } from '../application/log.ts'
import type { BackgroundJob, FailingJob } from '../application/ports.ts'
import { backupJob } from './backup/schedule.ts'
import type { Config } from './config.ts'
import { type ScheduledJob, type Scheduler, scheduler } from './scheduler.ts'
import type { OpenStorage } from './storage.ts'

const HALF_SECOND = 500
const TEN_SECONDS = 10_000
const HOUR = 3_600_000
const HALF_HOUR = 1_800_000

/** What this process commits wakes the jobs; they look for what other processes commit. */
const jobsOf = (
  app: App,
  { shared, eraseDeleted }: OpenStorage,
  others: readonly ScheduledJob<BackgroundJob>[],
): ScheduledJob<BackgroundJob>[] => [
  { name: 'send-reminders', every: TEN_SECONDS, run: app.sendReminders },
  { name: 'enqueue-deliveries', every: TEN_SECONDS, run: app.enqueueDeliveries },
  { name: 'purge-expired', every: HOUR, run: app.purgeExpired },
  { name: 'note-token-uses', every: HOUR, run: app.noteTokenUses },
  ...(shared
    ? [{ name: 'poll-revisions', every: HALF_SECOND, run: app.pollRevisions } as const]
    : []),
  ...(eraseDeleted
    ? [{ name: 'erase-deleted', every: HALF_HOUR, run: eraseDeleted } as const]
    : []),
  ...others,
]

/** A delivery that has ended wakes `enqueue-deliveries`: the webhook may be due again. */
export const startBackground = (
  app: App,
  storage: OpenStorage,
  { backups }: Pick<Config, 'backups'>,
  log: Log,
): Pick<Scheduler<BackgroundJob>, 'wake' | 'status'> & {
  failingJobs(): FailingJob[]
  stop(grace: number): Promise<void>
} => {
  const { reached, jobs } = storage
  const { every, ...options } = backups
  const backup = every === undefined ? [] : [backupJob(options, every, log)]
  const { start, wake, status, stop } = scheduler(jobsOf(app, storage, backup), log)
  let stopped = false
  void reached.then(() => {
    if (stopped) return
    jobs.work(app.runJob, () => wake('enqueue-deliveries'))
    start()
  })
  return {
    wake,
    status,
    failingJobs: () =>
      status().flatMap(({ name, failingSince: since }) => (since ? [{ job: name, since }] : [])),
    stop: async (grace) => {
      stopped = true
      for (const job of backup) job.stop()
      await Promise.all([stop(grace), Promise.race([jobs.stop(), Bun.sleep(grace)])])
    },
  }
}
