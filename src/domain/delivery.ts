import type { Change, FeedPosition } from './change.ts'
import { type Instant, later } from './due-date.ts'
import type { Task } from './task.ts'
import { formatVersion, type Version } from './version.ts'
import type { AttemptError, Webhook, WebhookEvent } from './webhook.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** After each failure in a row; the last one repeats. */
const RETRY_DELAYS_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]
const DISABLE_AFTER_MS = 5 * DAY

/** A message by the Standard Webhooks specification: `id` stays the same over all attempts. */
export type Message = Readonly<{
  id: string
  type: WebhookEvent | 'ping'
  timestamp: Instant
  data: unknown
}>

const message = (
  webhook: Webhook,
  type: WebhookEvent,
  version: Version,
  timestamp: Instant,
  data: object,
): Message[] =>
  webhook.events.includes(type)
    ? [{ id: messageId(webhook, type, version), type, timestamp, data }]
    : []

export const changeMessage = (
  webhook: Webhook,
  change: Change,
  version: Version,
  now: Instant,
): Message[] => {
  const { revision } = change
  return change.op === 'delete'
    ? message(webhook, 'task.deleted', version, now, { revision, id: change.id })
    : message(webhook, 'task.changed', version, now, { revision, task: change.task })
}

export const reminderMessage = (
  webhook: Webhook,
  task: Task,
  version: Version,
  now: Instant,
): Message[] => message(webhook, 'task.reminder', version, now, { revision: task.revision, task })

/** Without full stops, which separate the parts of what is signed. */
const messageId = ({ id }: Webhook, type: WebhookEvent, version: Version): string =>
  [
    'msg',
    id.replaceAll('-', ''),
    formatVersion(version).replace('.', '_'),
    type.slice('task.'.length),
  ].join('_')

export const pingMessage = ({ id, pinged_at }: Webhook, now: Instant): Message => ({
  id: `msg_${id.replaceAll('-', '')}_${Date.parse(pinged_at ?? now)}_ping`,
  type: 'ping',
  timestamp: now,
  data: {},
})

export const delivered = (webhook: Webhook, position: FeedPosition, now: Instant): Webhook => ({
  ...webhook,
  position,
  failures: 0,
  last_attempt_at: now,
  last_error: null,
  failing_since: null,
})

/** `chance` (0 to 1) spreads attempts over a tenth; `retryAfter` is in milliseconds. */
export const failed = (
  webhook: Webhook,
  error: AttemptError,
  retryAfter: number,
  now: Instant,
  chance: number,
): Webhook => {
  const since = webhook.failing_since ?? now
  const disabled =
    error === 'gone' ? 'gone' : now >= later(since, DISABLE_AFTER_MS) ? 'failing' : null
  const pause = RETRY_DELAYS_MS[Math.min(webhook.failures, RETRY_DELAYS_MS.length - 1)] ?? DAY
  const wait = Math.max(pause * (1 + chance / 10), Math.min(retryAfter, DAY))
  return {
    ...webhook,
    failures: webhook.failures + 1,
    last_attempt_at: now,
    last_error: error,
    failing_since: since,
    disabled,
    due_at: disabled ? null : later(now, Math.round(wait)),
  }
}

export const replayed = (webhook: Webhook, position: FeedPosition, now: Instant): Webhook => ({
  ...webhook,
  position,
  failures: 0,
  last_error: null,
  failing_since: null,
  disabled: null,
  due_at: now,
})

export const pinged = (webhook: Webhook, now: Instant): Webhook => ({
  ...webhook,
  pinged_at: now,
  due_at: now,
})

/** A disabled webhook is not due any more. */
export const pingSent = (webhook: Webhook): Webhook => ({
  ...webhook,
  pinged_at: null,
  due_at: webhook.disabled ? null : webhook.due_at,
})
