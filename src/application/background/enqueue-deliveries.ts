import { type Instant, later } from '../../domain/due-date.ts'
import type { Ports } from '../ports.ts'

const BATCH_SIZE = 500

const RECHECK_MS = 1000

/** Returns when to look again; undefined when no webhook will be due. */
export const enqueueDeliveries =
  ({ webhooks, jobs, now }: Pick<Ports, 'webhooks' | 'jobs' | 'now'>) =>
  async (): Promise<Instant | undefined> => {
    const at = now()
    const soonest = await webhooks.due(BATCH_SIZE)
    const due = soonest.filter((webhook) => webhook.at <= at)
    await Promise.all(due.map(({ owner, id }) => jobs.enqueue({ name: 'deliver', owner, id })))
    return due.length > 0 ? later(at, RECHECK_MS) : soonest[0]?.at
  }
