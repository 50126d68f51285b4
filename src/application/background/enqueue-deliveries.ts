import { type Instant, later } from '../../domain/due-date.ts'
import type { DueWebhook, Ports } from '../ports.ts'

const BATCH_SIZE = 500

const RECHECK_MS = 1000

/**
 * One batch of the due webhooks in each run, in turn, so that none hides another. Returns when to look
 * again; undefined when no webhook will be due.
 */
export const enqueueDeliveries = ({
  webhooks,
  jobs,
  steadyNow,
}: Pick<Ports, 'webhooks' | 'jobs' | 'steadyNow'>) => {
  let after: DueWebhook | null = null
  return async (): Promise<Instant | undefined> => {
    const at = steadyNow()
    const continued = after !== null
    const soonest = await webhooks.due(BATCH_SIZE, after)
    const due = soonest.filter((webhook) => webhook.at <= at)
    if (due.length > 0) {
      await jobs.enqueue(due.map(({ owner, id }) => ({ name: 'deliver', owner, id })))
    }
    after = due.length === BATCH_SIZE ? (due.at(-1) ?? null) : null
    if (after) return at
    return due.length > 0 || continued ? later(at, RECHECK_MS) : soonest[0]?.at
  }
}
