import { earlier, type Instant } from '../domain/due-date.ts'
import type { Ports } from './ports.ts'

const HOUR = 3_600_000
const AT_ONCE = 1000

/**
 * Forgets deletions after 90 days and receipts after 24 hours, a few at a time, so that nobody waits
 * for it. Answers how many it has forgotten. To be called every hour or so.
 */
export const forgetOld =
  ({ tasks, now }: Pick<Ports, 'tasks' | 'now'>) =>
  async (): Promise<number> => {
    const at: Instant = now()
    for (let all = 0; ; ) {
      const some = await tasks.purge(earlier(at, 90 * 24 * HOUR), earlier(at, 24 * HOUR), AT_ONCE)
      if (some === 0) return all
      all += some
    }
  }
