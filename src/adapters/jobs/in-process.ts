import type { Job, JobQueue } from '../../application/ports.ts'
import { jobKey } from './job-key.ts'
import { jobSlots, type Lane, type SlotOptions } from './slots.ts'

export type InProcessOptions = SlotOptions &
  Readonly<{
    /** Milliseconds to wait after a first failure; it doubles each time, up to the longest. */
    pause?: number
    longestPause?: number
    onError?: (error: unknown) => void
  }>

type Waiting = Readonly<{ job: Job; failures: number }>

export const inProcessQueue = ({
  pause = 1000,
  longestPause = 300_000,
  onError = () => {},
  ...options
}: InProcessOptions = {}): JobQueue => {
  /** Keys of the jobs that wait, run or pause after a failure. */
  const known = new Set<string>()
  const waiting: Record<Lane, Waiting[]> = { quick: [], slow: [] }
  const running = new Set<Promise<void>>()
  const pauses = new Set<Timer>()
  let handle: ((job: Job) => Promise<void>) | undefined
  let settled = (): void => {}
  let stopped = false

  const retry = ({ job, failures }: Waiting): void => {
    const resume = (): void => {
      pauses.delete(timer)
      waiting.quick.push({ job, failures: failures + 1 })
      advance()
    }
    const timer = setTimeout(resume, Math.min(pause * 2 ** failures, longestPause))
    pauses.add(timer)
  }

  const run = async (entry: Waiting): Promise<void> => {
    try {
      await handle?.(entry.job)
      known.delete(jobKey(entry.job))
    } catch (error) {
      retry(entry)
      onError(error)
    }
  }

  const start = (entry: Waiting): void => {
    const release = slots.take(entry.job.owner)
    const end = (): void => {
      running.delete(ended)
      release()
      advance()
      settled()
    }
    const ended = run(entry).then(end, end)
    running.add(ended)
  }

  const advance = (): void => {
    if (!handle || stopped) return
    advanceLane('quick')
    advanceLane('slow')
  }

  /** Jobs of slow owners move to their own lane when it is their turn. */
  const advanceLane = (lane: Lane): void => {
    const jobs = waiting[lane]
    for (let n = 0; n < jobs.length && slots.free()[lane] > 0; ) {
      const { owner } = (jobs[n] as Waiting).job
      if (slots.isFull(owner)) {
        n++
        continue
      }
      const [entry] = jobs.splice(n, 1) as [Waiting]
      if (lane === 'quick' && slots.isSlow(owner)) waiting.slow.push(entry)
      else start(entry)
    }
  }

  const slots = jobSlots(options, advance)

  return {
    enqueue: async (jobs) => {
      for (const job of jobs) {
        const key = jobKey(job)
        if (known.has(key)) continue
        known.add(key)
        waiting.quick.push({ job, failures: 0 })
      }
      advance()
    },
    work: (handler, onSettled = () => {}) => {
      handle = handler
      settled = onSettled
      advance()
    },
    failingSince: () => null,
    stop: async () => {
      stopped = true
      for (const timer of pauses) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
