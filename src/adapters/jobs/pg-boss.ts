import { PgBoss } from 'pg-boss'
import type { Job, JobQueue } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'

export type PgBossOptions = Readonly<{
  concurrency?: number
  /** Milliseconds between two looks for jobs. */
  poll?: number
  /** Seconds after which a process that has not finished a job counts as dead. */
  expire?: number
  /** Seconds to wait after a first failure; it doubles each time, up to 5 minutes. */
  pause?: number
  onError?: (error: unknown) => void
}>

const NAME = 'jobs'
const YEAR = 365 * 86_400

/**
 * Keeps jobs in a PostgreSQL database, in a schema of their own (`taskport_jobs`), for all processes
 * together. Returns at once; until the database has been reached, enqueuing throws `unavailable`.
 */
export const pgBossQueue = (
  url: string,
  { concurrency = 32, poll = 500, expire = 60, pause = 1, onError = () => {} }: PgBossOptions = {},
): JobQueue & { started: Promise<void> } => {
  const running = new Set<Promise<void>>()
  const { promise: started, resolve: reached } = Promise.withResolvers<void>()
  let boss: PgBoss | undefined
  let stopped = false
  let timer: Timer | undefined

  const start = async (): Promise<void> => {
    const own = new PgBoss({
      connectionString: url,
      schema: 'taskport_jobs',
      application_name: 'taskport jobs',
      max: 2,
      schedule: false,
      superviseIntervalSeconds: 5,
      monitorIntervalSeconds: 5,
    })
    own.on('error', onError)
    try {
      await own.start()
      await own.createQueue(NAME, {
        policy: 'exclusive',
        expireInSeconds: expire,
        retryLimit: 1_000_000,
        retryDelay: pause,
        retryBackoff: true,
        retryDelayMax: 300,
        retentionSeconds: YEAR,
        deleteAfterSeconds: 3600,
      })
      boss = own
      reached()
    } catch (error) {
      onError(error)
      await own.stop({ graceful: false }).catch(() => {})
      if (!stopped) timer = setTimeout(start, poll)
    }
  }
  void start()

  const use = async <Result>(step: (boss: PgBoss) => Promise<Result>): Promise<Result> => {
    if (!boss) throw unavailable()
    try {
      return await step(boss)
    } catch (error) {
      throw unavailable(error)
    }
  }

  const run = async (id: string, job: Job, handler: (job: Job) => Promise<void>): Promise<void> => {
    try {
      await handler(job)
      await boss?.complete(NAME, id)
    } catch (error) {
      onError(error)
      // When even this fails, the job expires, which comes to the same a little later.
      await boss?.fail(NAME, id).catch(onError)
    }
  }

  const work = (handler: (job: Job) => Promise<void>): void => {
    const look = async (): Promise<void> => {
      let found = 0
      const free = concurrency - running.size
      if (boss && free > 0) {
        const jobs = (await boss.fetch<Job>(NAME, { batchSize: free }).catch(onError)) ?? []
        found = jobs.length
        for (const { id, data } of jobs) {
          const one = run(id, data, handler).finally(() => running.delete(one))
          running.add(one)
        }
      }
      if (!stopped) timer = setTimeout(look, found > 0 ? 0 : poll)
    }
    void started.then(() => {
      if (!stopped) void look()
    })
  }

  return {
    started,
    enqueue: (job, at) =>
      use(async (open) => {
        const singletonKey = `${job.kind} ${job.key}`
        await open.send(NAME, job, { singletonKey, startAfter: new Date(at) })
      }),
    work,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await Promise.all(running)
      await boss?.stop({ graceful: false })
    },
  }
}

const unavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'The job queue cannot be reached right now. Try again.', { cause })
