import { requireContinuity } from '../domain/change.ts'
import { replayed } from '../domain/delivery.ts'
import { DomainError } from '../domain/errors.ts'
import type { Revision, UserId } from '../domain/task.ts'
import { noWebhook, rotated, type Webhook } from '../domain/webhook.ts'
import type { Ports, WebhookStore } from './ports.ts'

const ATTEMPTS = 100

/** Starts over when somebody else was faster. Throws `not-found`. */
export const changeWebhook = async (
  webhooks: WebhookStore,
  actor: UserId,
  id: string,
  change: (webhook: Webhook) => Webhook,
): Promise<Webhook> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const webhook = await webhooks.get(actor, id)
    if (!webhook) throw noWebhook()
    const changed = change(webhook)
    if (await webhooks.replace(changed)) return { ...changed, version: changed.version + 1 }
  }
  throw new DomainError('unavailable', 'This webhook is changing too fast right now. Try again.')
}

/** Answers it with a new secret; the old one signs as well for 24 hours. */
export const rotateSecret =
  ({ webhooks, now, newSecret }: Pick<Ports, 'webhooks' | 'now' | 'newSecret'>) =>
  (actor: UserId, id: string): Promise<Webhook> =>
    changeWebhook(webhooks, actor, id, (webhook) => rotated(webhook, newSecret(), now()))

/**
 * Delivers everything after a revision again, at once, even to a webhook that had been disabled.
 * Throws `gone` when deletions since then have been forgotten, or when it is ahead.
 */
export const replayWebhook =
  ({ tasks, webhooks, now }: Pick<Ports, 'tasks' | 'webhooks' | 'now'>) =>
  async (actor: UserId, id: string, since: Revision): Promise<Webhook> => {
    const feed = await tasks.changes(actor, since, since, 1)
    const position = { revision: since, history: null, snapshot: null }
    requireContinuity(position, feed)
    return changeWebhook(webhooks, actor, id, (webhook) => replayed(webhook, position, now()))
  }

/** Has a message without meaning sent soon, whatever the webhook's state. */
export const pingWebhook =
  ({ webhooks, jobs, now }: Pick<Ports, 'webhooks' | 'jobs' | 'now'>) =>
  async (actor: UserId, id: string): Promise<void> => {
    if (!(await webhooks.get(actor, id))) throw noWebhook()
    await jobs.enqueue({ kind: 'ping', key: `${id} ${actor}` }, now())
  }
