import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'
import { type Webhook, webhookNotFound } from '../../domain/webhook.ts'
import { findRecord } from '../idempotency.ts'
import type { IdempotencyKey, Ports } from '../ports.ts'

export type WebhookResult = Readonly<{ webhook: Webhook; replayed: boolean }>

const ATTEMPTS = 100

/** Starts over after a conflict; a known idempotency key changes nothing. Throws `not-found`. */
export const changeWebhook = async (
  { tasks, webhooks, now }: Pick<Ports, 'tasks' | 'webhooks' | 'now'>,
  actor: UserId,
  id: string,
  key: IdempotencyKey | undefined,
  change: (webhook: Webhook) => Webhook,
): Promise<WebhookResult> => {
  const record = key && { ...key, at: now(), changes: [] }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const replayed = key !== undefined && (await findRecord(tasks, actor, key)) !== undefined
    const webhook = await webhooks.get(actor, id)
    if (!webhook) throw webhookNotFound()
    if (replayed) return { webhook, replayed }
    const changed = change(webhook)
    if ((await webhooks.replace(changed, record)) === 'replaced') {
      return { webhook: { ...changed, version: changed.version + 1 }, replayed }
    }
  }
  throw new DomainError('unavailable', 'This webhook is changing too fast right now. Try again.')
}
