import type { Change } from '../domain/change.ts'
import { delivered, failed, messagesOf } from '../domain/delivery.ts'
import { type Instant, later } from '../domain/due-date.ts'
import { DomainError } from '../domain/errors.ts'
import type { Revision, UserId } from '../domain/task.ts'
import { signingSecrets, type Webhook } from '../domain/webhook.ts'
import type { Attempt, Ports, TaskStore } from './ports.ts'
import { type ChangePage, readChanges } from './read-changes.ts'

type Needs = Pick<Ports, 'tasks' | 'webhooks' | 'send' | 'now' | 'chance'>

const AT_ONCE = 50

/** Milliseconds after which a run ends, so that others get their turn; what is left stays due. */
const RUN = 30_000

/**
 * Delivers to one webhook what its owner has changed after its position, one message after the
 * other, and moves the position after each change. Stops at the first failure, to go on there when
 * the webhook is due again, and when somebody else has changed the webhook meanwhile.
 */
export const deliverChanges =
  (ports: Needs) =>
  async (owner: UserId, id: string): Promise<void> => {
    const { tasks, webhooks, now } = ports
    const end = later(now(), RUN)
    let webhook = await webhooks.get(owner, id)
    while (webhook && now() < end) {
      if (webhook.due_at === null || webhook.due_at > now()) return
      const page = await pageFor(tasks, webhook)
      if (page.changes.length > 0) webhook = await deliverPage(ports, webhook, page, end)
      // Refused when a change has been stored since the webhook was read: then there is more.
      else if (await webhooks.replace({ ...webhook, position: page.position, due_at: null })) return
      else webhook = await webhooks.get(owner, id)
    }
  }

/** From the start, when the webhook's position is none of this history any more. */
const pageFor = async (tasks: TaskStore, { user_id, position }: Webhook): Promise<ChangePage> => {
  try {
    return await readChanges(tasks, user_id, position, AT_ONCE)
  } catch (error) {
    if (!(error instanceof DomainError && error.kind === 'gone')) throw error
    return readChanges(tasks, user_id, null, AT_ONCE)
  }
}

/** The webhook after the page; undefined when it is not to be gone on with now. */
const deliverPage = async (
  ports: Needs,
  webhook: Webhook,
  { changes, reminded, after }: ChangePage,
  end: Instant,
): Promise<Webhook | undefined> => {
  let present = webhook
  for (const change of changes) {
    const attempt = await sendAll(ports, present, change, reminded)
    const at = ports.now()
    const next = attempt.ok
      ? delivered(present, after(change.revision), at)
      : failed(present, attempt.error, attempt.retryAfter, at, ports.chance())
    const kept = await keep(ports, present, next)
    if (!kept || !attempt.ok || at >= end) return undefined
    present = kept
  }
  return present
}

const sendAll = async (
  { send, now }: Needs,
  webhook: Webhook,
  change: Change,
  reminded: Readonly<Record<string, Revision>>,
): Promise<Attempt> => {
  const reminder = change.op === 'upsert' ? reminded[change.task.id] : undefined
  for (const message of messagesOf(webhook, change, reminder, now())) {
    const attempt = await send(webhook.url, message, signingSecrets(webhook, now()))
    if (!attempt.ok) return attempt
  }
  return { ok: true }
}

/**
 * Stores what has come of an attempt, also when changes of the owner's have moved the version
 * meanwhile. Undefined when the webhook is gone, or was changed by anybody else.
 */
const keep = async (
  { webhooks }: Needs,
  before: Webhook,
  after: Webhook,
): Promise<Webhook | undefined> => {
  for (let { version } = before; ; ) {
    if (await webhooks.replace({ ...after, version })) return { ...after, version: version + 1 }
    const present = await webhooks.get(before.user_id, before.id)
    if (
      !present ||
      JSON.stringify({ ...present, version: 0 }) !== JSON.stringify({ ...before, version: 0 })
    )
      return undefined
    version = present.version
  }
}
