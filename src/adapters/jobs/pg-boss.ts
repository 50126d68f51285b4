import { type JobWithMetadata, PgBoss } from 'pg-boss'
import type { Job, JobQueue } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'

export type PgBossOptions = Readonly<{
  concurrency?: number
  /** Milliseconds between two looks for jobs. */
  poll?: number
  /** Seconds to wait after a first failure; it doubles each time, up to 5 minutes. */
  pause?: number
  onError?: (error: unknown) => void
}>

const NAME = 'jobs'
const YEAR = 365 * 86_400

/** Seconds without a sign of life after which somebody else takes the jobs of a process. */
const HEARTBEAT = 10

/**
 * Keeps jobs in a PostgreSQL database, in a schema of their own (`taskport_jobs`), for all processes
 * together. Returns at once; until the database has been reached, enqueuing throws `unavailable`.
 */
export const pgBossQueue = (
  url: string,
  { concurrency = 32, poll = 500, pause = 1, onError = () => {} }: PgBossOptions = {},
): JobQueue & { started: Promise<void> } => {
  const running = new Map<JobWithMetadata<Job>, Promise<void>>()
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
        heartbeatSeconds: HEARTBEAT,
        retryLimit: 1_000_000,
        retryDelay: pause,
        retryBackoff: true,
        retryDelayMax: 300,
        retentionSeconds: YEAR,
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

  const run = async (
    own: PgBoss,
    taken: JobWithMetadata<Job>,
    handler: (job: Job) => Promise<void>,
  ): Promise<void> => {
    let settle: () => Promise<unknown>
    try {
      await handler(taken.data)
      settle = () => own.deleteJob(NAME, taken)
    } catch (error) {
      onError(error)
      settle = () => own.fail(NAME, taken)
    }
    while (!(await settled(settle)) && !stopped) await Bun.sleep(poll)
  }

  const work = (handler: (job: Job) => Promise<void>): void => {
    let beat = 0
    const look = async (own: PgBoss): Promise<void> => {
      if (running.size > 0 && Date.now() > beat) {
        beat = Date.now() + (HEARTBEAT * 1000) / 4
        await settled(() => own.touch(NAME, [...running.keys()]))
      }
      const free = concurrency - running.size
      const options = { batchSize: free, includeMetadata: true } as const
      const taken = free > 0 ? await own.fetch<Job>(NAME, options).catch(() => []) : []
      for (const job of taken) {
        running.set(
          job,
          run(own, job, handler).finally(() => running.delete(job)),
        )
      }
      if (!stopped) timer = setTimeout(look, taken.length > 0 ? 0 : poll, own)
    }
    void started.then(() => {
      if (boss && !stopped) void look(boss)
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
      await Promise.all(running.values())
      await boss?.stop({ graceful: false })
    },
  }
}

/** Whether it worked: the database may be away. */
const settled = (step: () => Promise<unknown>): Promise<boolean> =>
  step().then(
    () => true,
    () => false,
  )

const unavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'The job queue cannot be reached right now. Try again.', { cause })
