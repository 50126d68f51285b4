import type { UserId } from '../../domain/task.ts'
import { webhookNotFound } from '../../domain/webhook.ts'
import { findRecord } from '../idempotency.ts'
import type { IdempotencyKey, Ports } from '../ports.ts'

/** Nothing is sent to it any more. Throws `not-found`. */
export const deleteWebhook =
  ({ tasks, webhooks, now }: Pick<Ports, 'tasks' | 'webhooks' | 'now'>) =>
  async (actor: UserId, id: string, key?: IdempotencyKey): Promise<{ replayed: boolean }> => {
    const record = key && { ...key, at: now(), changes: [] }
    const result = await webhooks.remove(actor, id, record)
    if (result === 'removed') return { replayed: false }
    if (key && (await findRecord(tasks, actor, key))) return { replayed: true }
    throw webhookNotFound()
  }
