import { requireContinuity } from '../../domain/change.ts'
import { replayed } from '../../domain/delivery.ts'
import type { Revision, UserId } from '../../domain/task.ts'
import { spend } from '../budgets/spend.ts'
import type { IdempotencyKey, Ports } from '../ports.ts'
import { changeWebhook, type WebhookResult } from './change-webhook.ts'

type Needs = Pick<Ports, 'tasks' | 'webhooks' | 'now' | 'wake' | 'budgets'>

/** Enables it, too. Throws `too-many-requests`, and `gone` when later deletions are purged or the revision is ahead. */
export const replayWebhook =
  (ports: Needs) =>
  async (
    actor: UserId,
    id: string,
    since: Revision,
    key?: IdempotencyKey,
  ): Promise<WebhookResult> => {
    spend(ports, actor, 'replays')
    const position = { revision: since, timeline: null, snapshot: null }
    requireContinuity(position, await ports.tasks.changes(actor, since, since, 1))
    const at = ports.now()
    const result = await changeWebhook(ports, actor, id, key, (webhook) =>
      replayed(webhook, position, at),
    )
    ports.wake('enqueue-deliveries', at)
    return result
  }
