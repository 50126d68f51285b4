import type { Job, JobQueue } from '../../application/ports.ts'
import type { Instant } from '../../domain/due-date.ts'

export type TakenJob = Job & Readonly<{ failures: number }>

/** Where the jobs of one process are kept; nobody else takes any. */
export type JobTable = Readonly<{
  /** Changes nothing when the job is there. */
  put(job: Job, at: Instant): void
  /** At most `limit` that wait and whose time has come; they wait no longer. */
  take(now: Instant, limit: number): TakenJob[]
  /** When the first of those that wait wants to be taken. */
  next(): Instant | undefined
  /** It has been done and is there no longer. */
  drop(job: Job): void
  /** It failed, once more than before, and waits again. */
  putBack(job: Job, at: Instant): void
}>

export type RunnerOptions = Readonly<{
  /** Jobs done at once. */
  concurrency?: number
  /** Milliseconds to wait after a first failure; it doubles each time, up to the longest. */
  pause?: number
  longestPause?: number
  /** Told why a job failed. */
  onError?: (error: unknown) => void
}>

const LONGEST_TIMER = 2 ** 31 - 1

/** Does the jobs of a table in this process. */
export const inProcessQueue = (
  table: JobTable,
  {
    concurrency = 32,
    pause = 1000,
    longestPause = 300_000,
    onError = () => {},
  }: RunnerOptions = {},
): JobQueue => {
  const running = new Set<Promise<void>>()
  let handler: ((job: Job) => Promise<void>) | undefined
  let timer: Timer | undefined
  let stopped = false

  const at = (milliseconds: number): Instant => new Date(Date.now() + milliseconds).toISOString()

  const run = async ({ kind, key, failures }: TakenJob): Promise<void> => {
    try {
      await handler?.({ kind, key })
      table.drop({ kind, key })
    } catch (error) {
      onError(error)
      table.putBack({ kind, key }, at(Math.min(pause * 2 ** failures, longestPause)))
    }
  }

  const advance = (): void => {
    clearTimeout(timer)
    if (!handler || stopped) return
    for (const job of table.take(at(0), concurrency - running.size)) {
      const run1 = run(job).finally(() => {
        running.delete(run1)
        advance()
      })
      running.add(run1)
    }
    const next = running.size < concurrency ? table.next() : undefined
    if (next === undefined) return
    const wait = Math.max(Date.parse(next) - Date.now(), 0)
    timer = setTimeout(advance, Math.min(wait, LONGEST_TIMER))
  }

  return {
    enqueue: async (job, time) => {
      table.put(job, time)
      advance()
    },
    work: (own) => {
      handler = own
      advance()
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
