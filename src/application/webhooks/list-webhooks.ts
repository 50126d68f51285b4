import type { UserId } from '../../domain/task.ts'
import type { Webhook } from '../../domain/webhook.ts'
import type { Ports } from '../ports.ts'

/** Oldest first. */
export const listWebhooks =
  ({ webhooks }: Pick<Ports, 'webhooks'>) =>
  (actor: UserId): Promise<Webhook[]> =>
    webhooks.list(actor)
