import { throwIfInvalid } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'
import {
  newWebhook,
  WEBHOOK_EVENTS,
  WEBHOOKS_MAX,
  webhookIssues,
  webhookNotFound,
  webhooksExceeded,
} from '../../domain/webhook.ts'
import { spend } from '../budgets/spend.ts'
import { findRecord } from '../idempotency.ts'
import type { IdempotencyKey, Ports } from '../ports.ts'
import type { WebhookResult } from './change-webhook.ts'

type Needs = Pick<
  Ports,
  'tasks' | 'webhooks' | 'now' | 'newId' | 'newSecret' | 'urlProblem' | 'budgets'
>

/** Delivers what changes from now on. Throws `invalid`, and `quota-exceeded` after ten. */
export const createWebhook =
  (ports: Needs) =>
  async (
    actor: UserId,
    url: string,
    wanted: readonly string[],
    key?: IdempotencyKey,
  ): Promise<WebhookResult> => {
    const { tasks, webhooks, now, newId, newSecret, urlProblem } = ports
    spend(ports, actor, 'writes')
    throwIfInvalid(webhookIssues({ url, events: wanted }, urlProblem))
    const events = WEBHOOK_EVENTS.filter((event) => wanted.includes(event))
    const at = now()
    const [current] = await tasks.versions([actor])
    const { revision, timeline } = current?.version ?? { revision: 0, timeline: '' }
    const position = { revision, timeline: timeline || null, snapshot: null }
    const id = newId(at)
    const webhook = newWebhook({ id, user_id: actor, url, events, position }, newSecret(), at)
    const change = { op: 'upsert', id, revisionOffset: 0, version: null } as const
    const record = key && { ...key, at, changes: [change] }
    const result = await webhooks.create(webhook, WEBHOOKS_MAX, record)
    if (result === 'created') return { webhook, replayed: false }
    const before = key && (await findRecord(tasks, actor, key))
    if (!before) throw webhooksExceeded()
    const created = await webhooks.get(actor, before.changes[0]?.id ?? '')
    if (!created) throw webhookNotFound()
    return { webhook: created, replayed: true }
  }
