import type { JobWithMetadata, PgBoss } from 'pg-boss'
import type { Job, JobQueue } from '../../application/ports.ts'
import type { Instant } from '../../domain/due-date.ts'
import { DomainError } from '../../domain/errors.ts'
import { openPool, type Pool } from '../pg/pool.ts'
import { jobKey } from './job-key.ts'
import { jobSlots, type SlotOptions } from './slots.ts'

export type PgBossOptions = SlotOptions &
  Readonly<{
    /** Milliseconds between looks for jobs, while there are some and when there were none lately. */
    poll?: number
    idlePoll?: number
    /** Seconds to wait after a first failure; it doubles each time, up to 5 minutes. */
    pause?: number
    onError?: (error: unknown) => void
  }>

const NAME = 'jobs'

const POOL = {
  name: 'taskport jobs',
  size: 2,
  statementDeadline: 10_000,
  connectionDeadline: 5000,
} as const
const YEAR = 365 * 86_400

/** Seconds without a sign of life after which another process takes over the jobs of this one. */
const HEARTBEAT_SECONDS = 10

/** Seconds between two checks for such jobs, by all processes together. */
const SUPERVISE_SECONDS = 2

/** How long more are looked for often after the last job. */
const BUSY_MS = 10_000

/** In the schema `taskport_jobs`. `enqueue` throws `unavailable` until the database is reached. */
export const pgBossQueue = (
  url: string,
  { poll = 500, idlePoll = 2000, pause = 1, onError = () => {}, ...options }: PgBossOptions = {},
): JobQueue & { start(): Promise<void> } => {
  type Taken = JobWithMetadata<Job>
  const running = new Map<Taken, Promise<void>>()
  const { promise: reached, resolve: resolveReached } = Promise.withResolvers<void>()
  let connecting = false
  let pool: Pool | undefined
  let boss: PgBoss | undefined
  let unreachable = false
  let failingSince: Instant | null = null
  let stopped = false
  let busyUntil = 0
  let lookBy = (_at: number): void => {}
  let stopLooking = async (): Promise<void> => {}
  const slots = jobSlots(options, () => lookBy(0))

  /** Once per outage. */
  const onOutage = (error: unknown): void => {
    if (!unreachable) {
      onError(error)
      failingSince = new Date().toISOString()
    }
    unreachable = true
  }

  const connect = async (): Promise<void> => {
    const library = await import('pg-boss')
    pool ??= openPool(url, POOL)
    const db = { executeSql: pool.query }
    while (!boss && !stopped) {
      const own = new library.PgBoss({
        db,
        schema: 'taskport_jobs',
        schedule: false,
        superviseIntervalSeconds: SUPERVISE_SECONDS,
        monitorIntervalSeconds: SUPERVISE_SECONDS,
        // Jobs that depend on others, of which there are none.
        flowIntervalSeconds: 3600,
      })
      own.on('error', onOutage)
      try {
        await own.start()
        await own.createQueue(NAME, {
          policy: 'exclusive',
          heartbeatSeconds: HEARTBEAT_SECONDS,
          retryLimit: 1_000_000,
          retryDelay: pause,
          retryBackoff: true,
          retryDelayMax: 300,
          retentionSeconds: YEAR,
        })
        boss = own
        resolveReached()
      } catch (error) {
        onOutage(error)
        await own.stop({ graceful: false }).catch(() => {})
        await Bun.sleep(poll)
      }
    }
    if (stopped) await close()
  }

  const close = async (): Promise<void> => {
    await boss?.stop({ graceful: false })
    await pool?.end()
  }

  const start = (): Promise<void> => {
    if (!connecting) {
      failingSince = new Date().toISOString()
      void connect()
    }
    connecting = true
    return reached
  }

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
    taken: Taken,
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
    while (!(await succeeds(settle)) && !stopped) await Bun.sleep(poll)
  }

  const claim = async (own: PgBoss, most: number, ignored: string[]): Promise<Taken[]> => {
    if (most <= 0 || stopped) return []
    try {
      const taken = await own.fetch<Job>(NAME, {
        batchSize: most,
        includeMetadata: true,
        groupConcurrency: slots.ownerConcurrency,
        ignoreGroups: ignored,
      })
      unreachable = false
      return taken
    } catch (error) {
      onOutage(error)
      return []
    }
  }

  const work = (handler: (job: Job) => Promise<void>, onSettled = (): void => {}): void => {
    let timer: Timer | undefined
    let looking: Promise<void> | undefined
    let nextLook = 0
    let beat = 0

    const startJob = (own: PgBoss, job: Taken): void => {
      const release = slots.take(job.data.owner)
      const end = (): void => {
        const full = slots.free().quick <= 0
        running.delete(job)
        release()
        if (full) lookBy(0)
        onSettled()
      }
      running.set(job, run(own, job, handler).then(end, end))
    }

    const take = async (own: PgBoss): Promise<void> => {
      if (running.size > 0 && Date.now() > beat) {
        beat = Date.now() + (HEARTBEAT_SECONDS * 1000) / 4
        await succeeds(() => own.touch(NAME, [...running.keys()]))
      }
      const slowOwners = slots.slowOwners()
      const quick = await claim(own, slots.free().quick, slowOwners)
      for (const job of quick) startJob(own, job)
      const others = slowOwners.length > 0 ? await claim(own, slots.free().slow, []) : []
      for (const job of others) startJob(own, job)
      if (running.size > 0) busyUntil = Date.now() + BUSY_MS
      if (quick.length + others.length > 0) nextLook = 0
    }

    const look = (own: PgBoss): void => {
      nextLook = Number.POSITIVE_INFINITY
      looking = take(own).then(() => {
        looking = undefined
        lookBy(Date.now() + (Date.now() < busyUntil ? poll : idlePoll))
      })
    }

    stopLooking = async () => {
      clearTimeout(timer)
      await looking
    }
    void start().then(() => {
      const own = boss
      if (!own || stopped) return
      lookBy = (at) => {
        nextLook = Math.min(nextLook, at)
        clearTimeout(timer)
        if (looking || stopped) return
        timer = setTimeout(look, Math.max(nextLook - Date.now(), 0), own)
      }
      look(own)
    })
  }

  return {
    start,
    enqueue: async (jobs) => {
      const inserts = jobs.map((job) => ({
        data: job,
        singletonKey: jobKey(job),
        group: { id: job.owner },
      }))
      await use((open) => open.insert(NAME, inserts))
      busyUntil = Date.now() + BUSY_MS
      lookBy(0)
    },
    work,
    failingSince: () => (boss && !unreachable ? null : failingSince),
    stop: async () => {
      stopped = true
      await stopLooking()
      await Promise.all(running.values())
      await close()
    },
  }
}

const succeeds = (step: () => Promise<unknown>): Promise<boolean> =>
  step().then(
    () => true,
    () => false,
  )

const unavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'The job queue cannot be reached right now. Try again.', { cause })
