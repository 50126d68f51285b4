import type { UserId } from '../domain/task.ts'
import { noWebhook, type Webhook } from '../domain/webhook.ts'
import type { Ports } from './ports.ts'

/** Oldest first. */
export const listWebhooks =
  ({ webhooks }: Pick<Ports, 'webhooks'>) =>
  (actor: UserId): Promise<Webhook[]> =>
    webhooks.list(actor)

/** Throws `not-found`, also for another user's. */
export const getWebhook =
  ({ webhooks }: Pick<Ports, 'webhooks'>) =>
  async (actor: UserId, id: string): Promise<Webhook> => {
    const webhook = await webhooks.get(actor, id)
    if (!webhook) throw noWebhook()
    return webhook
  }

/** Nothing is sent to it any more. Throws `not-found`. */
export const deleteWebhook =
  ({ webhooks }: Pick<Ports, 'webhooks'>) =>
  async (actor: UserId, id: string): Promise<void> => {
    if (!(await webhooks.remove(actor, id))) throw noWebhook()
  }
