import {
  changeMessage,
  delivered,
  failed,
  pingMessage,
  pingSent,
  reminderMessage,
} from '../../domain/delivery.ts'
import { type Instant, later } from '../../domain/due-date.ts'
import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'
import type { Version } from '../../domain/version.ts'
import { signingSecrets, type Webhook } from '../../domain/webhook.ts'
import { type ChangePage, readChanges } from '../changes/read-changes.ts'
import type { Attempt, Ports, TaskStore } from '../ports.ts'
import { type Entry, entriesOf } from './delivery-entries.ts'

type Needs = Pick<
  Ports,
  'tasks' | 'webhooks' | 'send' | 'traces' | 'now' | 'steadyNow' | 'chance' | 'wake'
>

const BATCH_SIZE = 10

/** What is left stays due, so that others get their turn. */
const RUN_BUDGET_MS = 10_000

/** In order. Stops at the first failure, and when anything but a commit changes the webhook. */
export const deliverChanges =
  (ports: Needs) =>
  async (owner: UserId, id: string): Promise<void> => {
    const { webhooks, steadyNow, wake } = ports
    const end = later(steadyNow(), RUN_BUDGET_MS)
    let webhook = await webhooks.get(owner, id)
    while (webhook && isDue(webhook, steadyNow()) && steadyNow() < end) {
      webhook = webhook.pinged_at
        ? await deliverPing(ports, webhook)
        : await deliverNext(ports, webhook, end)
    }
    const due = (await webhooks.get(owner, id))?.due_at
    if (due) wake('enqueue-deliveries', due)
  }

const isDue = ({ due_at }: Webhook, now: Instant): boolean => due_at !== null && due_at <= now

const deliverPing = async (ports: Needs, webhook: Webhook): Promise<Webhook | undefined> => {
  const { send, now } = ports
  const at = now()
  const after = await store(ports, webhook, pingSent(webhook))
  if (after) await send(webhook.url, pingMessage(webhook, at), signingSecrets(webhook, at))
  return after
}

/** Undefined when the run is to end. */
const deliverNext = async (
  ports: Needs,
  webhook: Webhook,
  end: Instant,
): Promise<Webhook | undefined> => {
  const page = await nextPage(ports.tasks, webhook)
  if (!page.empty) return deliverPage(ports, webhook, page, end)
  const done = { ...webhook, position: page.position, due_at: null }
  // A conflict means that a change was committed after the page was read: there is more.
  const result = await ports.webhooks.replace(done)
  return result === 'replaced' ? undefined : ports.webhooks.get(webhook.user_id, webhook.id)
}

/** From the start, when the webhook's position is not of this timeline any more. */
const nextPage = async (tasks: TaskStore, { user_id, position }: Webhook): Promise<ChangePage> => {
  try {
    return await readChanges(tasks, user_id, position, BATCH_SIZE)
  } catch (error) {
    if (!(error instanceof DomainError && error.kind === 'gone')) throw error
    return readChanges(tasks, user_id, null, BATCH_SIZE)
  }
}

const deliverPage = async (
  ports: Needs,
  webhook: Webhook,
  page: ChangePage,
  end: Instant,
): Promise<Webhook | undefined> => {
  let present = webhook
  for (const entry of await entriesOf(ports.tasks, webhook, page)) {
    const attempt = await sendAll(ports, present, page.versionAt(entry.revision), entry)
    const at = ports.now()
    const next = attempt.ok
      ? delivered(present, page.positionAt(entry.revision), at)
      : failed(present, attempt.error, attempt.retryAfter, at, ports.chance())
    const stored = await store(ports, present, next)
    if (!stored || !attempt.ok || ports.steadyNow() >= end) return undefined
    present = stored
  }
  return present
}

const sendAll = async (
  { send, traces, now }: Needs,
  webhook: Webhook,
  version: Version,
  { change, reminded }: Entry,
): Promise<Attempt> => {
  const messages = [
    ...(change ? changeMessage(webhook, change, version, now()) : []),
    ...(reminded ? reminderMessage(webhook, reminded, version, now()) : []),
  ]
  const trace = traces.of(webhook.user_id, version.revision)
  for (const message of messages) {
    const attempt = await send(webhook.url, message, signingSecrets(webhook, now()), trace)
    if (!attempt.ok) return attempt
  }
  return { ok: true }
}

/** Tolerates commits in between; undefined when the webhook is gone or was changed otherwise. */
const store = async (
  { webhooks }: Needs,
  before: Webhook,
  after: Webhook,
): Promise<Webhook | undefined> => {
  for (let { version } = before; ; ) {
    const replaced = await webhooks.replace({ ...after, version })
    if (replaced === 'replaced') return { ...after, version: version + 1 }
    const present = await webhooks.get(before.user_id, before.id)
    if (!present || !sameBut(present, before)) return undefined
    version = present.version
  }
}

const sameBut = (a: Webhook, b: Webhook): boolean =>
  JSON.stringify({ ...a, version: 0 }) === JSON.stringify({ ...b, version: 0 })
