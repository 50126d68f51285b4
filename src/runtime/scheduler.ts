import { type Log, serializeError } from '../application/log.ts'
import type { Instant } from '../domain/due-date.ts'

export type ScheduledJob<Name extends string = string> = Readonly<{
  name: Name
  /** At most so many milliseconds pass between the end of a run and the next one. */
  every: number
  /** Returns when it next wants to run, if that is sooner. */
  run: () => Promise<Instant | null | undefined>
}>

export type JobStatus<Name extends string = string> = Readonly<{
  name: Name
  lastSuccess: Instant | null
  /** When the first run of the present streak of failures failed. */
  failingSince: Instant | null
}>

export type Scheduler<Name extends string = string> = Readonly<{
  start(): void
  /** Brings the next run forward to an instant, now unless given; never puts it off. */
  wake(name: Name, at?: Instant): void
  status(): JobStatus<Name>[]
  /** Starts no other run; resolves when those under way have ended, at most `grace` ms later. */
  stop(grace?: number): Promise<void>
}>

/** Between two runs, however often a job is woken. */
const MIN_PAUSE_MS = 50

/** After a first failure; it doubles with each further one, up to `every`. */
const RETRY_MS = 500

const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Runs no job twice at once; logs the first failure of a streak and its end. */
export const scheduler = <Name extends string>(
  jobs: readonly ScheduledJob<Name>[],
  log: Log,
): Scheduler<Name> => {
  const loops = new Map(jobs.map((job) => [job.name, loopOf(job, log)]))
  return {
    start: () => {
      for (const { start } of loops.values()) start()
    },
    wake: (name, at) => loops.get(name)?.wake(at),
    status: () => [...loops.values()].map(({ status }) => status()),
    stop: async (grace = 8000) => {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, grace)
      const ended = Promise.all([...loops.values()].map(({ stop }) => stop()))
      await Promise.race([ended, late])
      clearTimeout(timer)
    },
  }
}

/** Intervals use the monotonic clock, so that a wall clock that is set back delays nothing. */
const loopOf = <Name extends string>({ name, every, run }: ScheduledJob<Name>, log: Log) => {
  let active = false
  let running: Promise<void> | undefined
  let timer: Timer | undefined
  /** Bounds of the next run, and the instant asked for, in milliseconds. */
  let earliest = 0
  let latest = 0
  let wanted = Number.POSITIVE_INFINITY
  let failures = 0
  let lastSuccess: Instant | null = null
  let failingSince: Instant | null = null

  const succeeded = (): void => {
    lastSuccess = new Date().toISOString()
    if (failingSince !== null) {
      log.info({ job: name, failing_since: failingSince, failures }, 'background job works again')
    }
    failures = 0
    failingSince = null
  }

  const failed = (error: unknown): void => {
    if (failures++ > 0) return
    failingSince = new Date().toISOString()
    log.error({ job: name, ...serializeError(error) }, 'background job fails, trying again')
  }

  const runOnce = async (): Promise<void> => {
    wanted = Number.POSITIVE_INFINITY
    let pause = every
    try {
      const next = await run()
      succeeded()
      if (next) wanted = Math.min(wanted, Date.parse(next))
    } catch (error) {
      failed(error)
      pause = Math.min(every, RETRY_MS * 2 ** (failures - 1))
    }
    earliest = performance.now() + MIN_PAUSE_MS
    latest = performance.now() + pause
  }

  const arm = (): void => {
    clearTimeout(timer)
    if (!active || running) return
    const now = performance.now()
    const wait = Math.max(earliest - now, Math.min(latest - now, wanted - Date.now()))
    if (wait > 0) {
      timer = setTimeout(arm, Math.min(Math.ceil(wait), LONGEST_TIMER_MS))
      return
    }
    running = runOnce().then(() => {
      running = undefined
      arm()
    })
  }

  return {
    start: (): void => {
      active = true
      arm()
    },
    wake: (at?: Instant): void => {
      wanted = Math.min(wanted, at === undefined ? Date.now() : Date.parse(at))
      arm()
    },
    status: (): JobStatus<Name> => ({ name, lastSuccess, failingSince }),
    stop: async (): Promise<void> => {
      active = false
      clearTimeout(timer)
      await running
    },
  }
}
