import type { UserId } from '../../domain/task.ts'
import { rotated } from '../../domain/webhook.ts'
import { spend } from '../budgets/spend.ts'
import type { IdempotencyKey, Ports } from '../ports.ts'
import { changeWebhook, type WebhookResult } from './change-webhook.ts'

type Needs = Pick<Ports, 'tasks' | 'webhooks' | 'now' | 'newSecret' | 'budgets'>

/** The secrets before it sign as well for 24 hours. */
export const rotateSecret =
  (ports: Needs) =>
  async (actor: UserId, id: string, key?: IdempotencyKey): Promise<WebhookResult> => {
    spend(ports, actor, 'writes')
    return changeWebhook(ports, actor, id, key, (webhook) =>
      rotated(webhook, ports.newSecret(), ports.now()),
    )
  }
