import type { UserId } from '../domain/task.ts'
import { checkWebhook, WEBHOOKS_MAX, type Webhook, webhooksExceeded } from '../domain/webhook.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'tasks' | 'webhooks' | 'now' | 'newId' | 'newSecret' | 'urlProblem'>

/** Tells of everything that changes from now on. Throws `invalid`, and `quota-exceeded` after ten. */
export const createWebhook =
  ({ tasks, webhooks, now, newId, newSecret, urlProblem }: Needs) =>
  async (actor: UserId, url: string, wanted: readonly string[]): Promise<Webhook> => {
    const events = checkWebhook(url, wanted, urlProblem(url))
    const at = now()
    const [current] = await tasks.revisions([actor])
    const webhook: Webhook = {
      id: newId(at),
      user_id: actor,
      url,
      events,
      secrets: [{ value: newSecret(), until: null }],
      created_at: at,
      position: { revision: current?.revision ?? 0, history: null, snapshot: null },
      failures: 0,
      last_attempt_at: null,
      last_error: null,
      failing_since: null,
      disabled: null,
      // Whatever is written while it is being made is looked for once.
      due_at: at,
      version: 1,
    }
    if (!(await webhooks.create(webhook, WEBHOOKS_MAX))) throw webhooksExceeded()
    return webhook
  }
