import { LRUCache } from 'lru-cache'

export type SlotOptions = Readonly<{
  /** Jobs that run at once, without those that take long. */
  concurrency?: number
  /** Jobs of slow owners that are started as long as no more than these run. */
  slowConcurrency?: number
  /** Jobs of slow owners that take no slot of the others: more, for those that turn out slow. */
  slowMost?: number
  ownerConcurrency?: number
  /** Milliseconds after which a job takes long. */
  slowAfter?: number
}>

const SLOW_KEPT_MS = 600_000
const SLOW_OWNERS_MAX = 1000

export type Lane = 'quick' | 'slow'

/**
 * The owner of a job that takes long is slow for ten minutes. The jobs of slow owners have slots of
 * their own, to which the running ones move, so that they do not hold up those of others. `onFree`
 * is called when a move has freed a slot.
 */
export const jobSlots = (
  {
    concurrency = 32,
    slowConcurrency = 64,
    slowMost = 192,
    ownerConcurrency = 4,
    slowAfter = 500,
  }: SlotOptions,
  onFree: () => void,
) => {
  const slow = new LRUCache<string, true>({ max: SLOW_OWNERS_MAX, ttl: SLOW_KEPT_MS })
  const running = new Map<string, number>()
  let free: Readonly<Record<Lane, number>> = { quick: concurrency, slow: slowConcurrency }

  const count = (): void => {
    let [all, slowOnes] = [0, 0]
    for (const [owner, jobs] of running) {
      all += jobs
      if (slow.has(owner)) slowOnes += jobs
    }
    free = {
      quick: concurrency - all + Math.min(slowOnes, slowMost),
      slow: slowConcurrency - slowOnes,
    }
  }

  const add = (owner: string, jobs: 1 | -1): void => {
    const left = (running.get(owner) ?? 0) + jobs
    if (left > 0) running.set(owner, left)
    else running.delete(owner)
    count()
  }

  return {
    ownerConcurrency,
    free: () => free,
    slowOwners: () => [...slow.keys()],
    isSlow: (owner: string): boolean => slow.has(owner),
    isFull: (owner: string): boolean => (running.get(owner) ?? 0) >= ownerConcurrency,
    /** Returns a function to call when the job has ended. */
    take: (owner: string): (() => void) => {
      add(owner, 1)
      const timer = setTimeout(() => {
        slow.set(owner, true)
        count()
        onFree()
      }, slowAfter)
      return () => {
        clearTimeout(timer)
        add(owner, -1)
      }
    },
  }
}
