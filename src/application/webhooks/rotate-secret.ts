import type { UserId } from '../../domain/task.ts'
import { rotated } from '../../domain/webhook.ts'
import type { IdempotencyKey, Ports } from '../ports.ts'
import { changeWebhook, type WebhookResult } from './change-webhook.ts'

type Needs = Pick<Ports, 'tasks' | 'webhooks' | 'now' | 'newSecret'>

/** The secrets before it sign as well for 24 hours. */
export const rotateSecret =
  (ports: Needs) =>
  (actor: UserId, id: string, key?: IdempotencyKey): Promise<WebhookResult> =>
    changeWebhook(ports, actor, id, key, (webhook) =>
      rotated(webhook, ports.newSecret(), ports.now()),
    )
