import { signingSecrets } from '../domain/webhook.ts'
import { deliverChanges } from './deliver-changes.ts'
import { forgetOld } from './forget-old.ts'
import type { Job, Ports } from './ports.ts'

const AT_ONCE = 500

/** Has everything delivered that is due; to be called often. A job that is there is enqueued once. */
export const wakeWebhooks =
  ({ webhooks, jobs, now }: Pick<Ports, 'webhooks' | 'jobs' | 'now'>) =>
  async (): Promise<void> => {
    const at = now()
    const due = await webhooks.due(at, AT_ONCE)
    await Promise.all(
      due.map(({ owner, id }) => jobs.enqueue({ kind: 'deliver', key: `${id} ${owner}` }, at)),
    )
  }

/** Does one job of the queue. Doing it again does no harm. */
export const runJob = (ports: Ports) => {
  const deliver = deliverChanges(ports)
  const tidy = forgetOld(ports)
  const { webhooks, send, now } = ports

  const ping = async (owner: string, id: string): Promise<void> => {
    const webhook = await webhooks.get(owner, id)
    if (!webhook) return
    const at = now()
    const message = {
      id: `msg_${ports.newId(at)}_ping`,
      type: 'ping',
      timestamp: at,
      data: {},
    } as const
    await send(webhook.url, message, signingSecrets(webhook, at))
  }

  return async ({ kind, key }: Job): Promise<void> => {
    const space = key.indexOf(' ')
    const [id, owner] = [key.slice(0, space), key.slice(space + 1)]
    if (kind === 'deliver') await deliver(owner, id)
    else if (kind === 'ping') await ping(owner, id)
    else await tidy()
  }
}
