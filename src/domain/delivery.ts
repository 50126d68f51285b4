import type { Change, FeedPosition } from './change.ts'
import { type Instant, later } from './due-date.ts'
import type { Revision, Task } from './task.ts'
import type { AttemptError, Webhook, WebhookEvent } from './webhook.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds to wait after each failure in a row; the last one goes on for ever. */
const PAUSES = [
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
const FAILING_DAYS = 5 * DAY

/** What is sent, by the scheme of standardwebhooks.com: `id` stays the same over all attempts. */
export type Message = Readonly<{
  id: string
  type: WebhookEvent | 'ping'
  timestamp: Instant
  data: unknown
}>

/**
 * What a change means to a webhook; nothing when it has not asked for that. `reminded` is the revision
 * of a reminder that nobody was told of yet.
 */
export const messagesOf = (
  webhook: Webhook,
  change: Change,
  reminded: Revision | undefined,
  now: Instant,
): Message[] => {
  const message = (type: WebhookEvent, revision: Revision, data: object): Message[] =>
    webhook.events.includes(type)
      ? [{ id: idOf(webhook, type, revision), type, timestamp: now, data }]
      : []
  if (change.op === 'delete') {
    const { revision, id } = change
    return message('task.deleted', revision, { revision, id })
  }
  const { revision, task } = change
  const data: { revision: Revision; task: Task } = { revision, task }
  return [
    ...message('task.changed', revision, data),
    ...(reminded === undefined ? [] : message('task.reminder', reminded, data)),
  ]
}

const idOf = ({ id }: Webhook, type: WebhookEvent, revision: Revision): string =>
  `msg_${id.replaceAll('-', '')}_${revision}_${type.slice('task.'.length)}`

export const delivered = (webhook: Webhook, position: FeedPosition, now: Instant): Webhook => ({
  ...webhook,
  position,
  failures: 0,
  last_attempt_at: now,
  last_error: null,
  failing_since: null,
})

/**
 * The next attempt comes a little later each time, not before `retryAfter` milliseconds have passed.
 * `chance` (0 to 1) spreads attempts over a tenth. Five failing days, or being told that there is
 * nobody any more, disable.
 */
export const failed = (
  webhook: Webhook,
  error: AttemptError,
  retryAfter: number,
  now: Instant,
  chance: number,
): Webhook => {
  const since = webhook.failing_since ?? now
  const disabled = error === 'gone' ? 'gone' : now >= later(since, FAILING_DAYS) ? 'failing' : null
  const pause = PAUSES[Math.min(webhook.failures, PAUSES.length - 1)] ?? DAY
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

/** Delivers again from there on, and at once, even if it had been disabled. */
export const replayed = (webhook: Webhook, position: FeedPosition, now: Instant): Webhook => ({
  ...webhook,
  position,
  failures: 0,
  last_error: null,
  failing_since: null,
  disabled: null,
  due_at: now,
})
