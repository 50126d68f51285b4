import { pinged } from '../../domain/delivery.ts'
import type { UserId } from '../../domain/task.ts'
import { spend } from '../budgets/spend.ts'
import type { IdempotencyKey, Ports } from '../ports.ts'
import { changeWebhook, type WebhookResult } from './change-webhook.ts'

type Needs = Pick<Ports, 'tasks' | 'webhooks' | 'now' | 'wake' | 'budgets'>

/** Whatever the webhook's state. Throws `too-many-requests`. */
export const pingWebhook =
  (ports: Needs) =>
  async (actor: UserId, id: string, key?: IdempotencyKey): Promise<WebhookResult> => {
    spend(ports, actor, 'pings')
    const at = ports.now()
    const result = await changeWebhook(ports, actor, id, key, (webhook) => pinged(webhook, at))
    ports.wake('enqueue-deliveries', at)
    return result
  }
