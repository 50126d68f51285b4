import type { Job, JobQueue } from '../../application/ports.ts'
import { jobKey } from './job-key.ts'

export type InProcessOptions = Readonly<{
  concurrency?: number
  /** Milliseconds to wait after a first failure; it doubles each time, up to the longest. */
  pause?: number
  longestPause?: number
  onError?: (error: unknown) => void
}>

type Waiting = Readonly<{ job: Job; at: number; failures: number }>

const LONGEST_TIMER_MS = 2 ** 31 - 1

export const inProcessQueue = ({
  concurrency = 32,
  pause = 1000,
  longestPause = 300_000,
  onError = () => {},
}: InProcessOptions = {}): JobQueue => {
  /** A job is in one of these. */
  const waiting = new Map<string, Waiting>()
  const running = new Map<string, Promise<void>>()
  let handle: ((job: Job) => Promise<void>) | undefined
  let settled = (): void => {}
  let timer: Timer | undefined
  let stopped = false

  const run = async (key: string, { job, failures }: Waiting): Promise<void> => {
    try {
      await handle?.(job)
    } catch (error) {
      const at = Date.now() + Math.min(pause * 2 ** failures, longestPause)
      waiting.set(key, { job, at, failures: failures + 1 })
      onError(error)
    }
  }

  const start = (key: string, entry: Waiting): void => {
    const end = (): void => {
      running.delete(key)
      advance()
      settled()
    }
    waiting.delete(key)
    running.set(key, run(key, entry).then(end, end))
  }

  const advance = (): void => {
    clearTimeout(timer)
    if (!handle || stopped) return
    const free = concurrency - running.size
    const next = [...waiting].sort(([, a], [, b]) => a.at - b.at).slice(0, free + 1)
    const due = next.slice(0, free).filter(([, { at }]) => at <= Date.now())
    for (const [key, entry] of due) start(key, entry)
    const first = running.size < concurrency ? next[due.length]?.[1] : undefined
    if (!first) return
    const wait = Math.max(first.at - Date.now(), 0)
    timer = setTimeout(advance, Math.min(wait, LONGEST_TIMER_MS))
  }

  return {
    enqueue: async (job) => {
      const key = jobKey(job)
      if (waiting.has(key) || running.has(key)) return
      waiting.set(key, { job, at: Date.now(), failures: 0 })
      advance()
    },
    work: (handler, onSettled = () => {}) => {
      handle = handler
      settled = onSettled
      advance()
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await Promise.all(running.values())
    },
  }
}
