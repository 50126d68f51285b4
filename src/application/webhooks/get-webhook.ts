import type { UserId } from '../../domain/task.ts'
import { type Webhook, webhookNotFound } from '../../domain/webhook.ts'
import type { Ports } from '../ports.ts'

/** Throws `not-found`, also for another user's. */
export const getWebhook =
  ({ webhooks }: Pick<Ports, 'webhooks'>) =>
  async (actor: UserId, id: string): Promise<Webhook> => {
    const webhook = await webhooks.get(actor, id)
    if (!webhook) throw webhookNotFound()
    return webhook
  }
