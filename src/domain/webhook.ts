import type { Change, FeedPosition } from './change.ts'
import { type Instant, later } from './due-date.ts'
import { DomainError, type Issue, refuse } from './errors.ts'
import type { Revision, Task, TaskId, UserId } from './task.ts'
import { textProblem } from './text.ts'

export const WEBHOOK_EVENTS = ['task.changed', 'task.deleted', 'task.reminder'] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

/** Why an attempt failed, in as much detail as its owner is told. */
export type AttemptError =
  | 'address-refused'
  | 'unresolved'
  | 'unreachable'
  | 'tls'
  | 'timeout'
  | 'redirect'
  | 'client-error'
  | 'server-error'
  | 'gone'

/** A secret signs until then; null for the present one. */
export type WebhookSecret = Readonly<{ value: string; until: Instant | null }>

/** Somebody's wish to be told of changes, and how far that has come. */
export type Webhook = Readonly<{
  id: string
  user_id: UserId
  url: string
  events: readonly WebhookEvent[]
  secrets: readonly WebhookSecret[]
  created_at: Instant
  /** Up to where everything has been delivered. */
  position: FeedPosition
  /** Attempts in a row that failed. */
  failures: number
  last_attempt_at: Instant | null
  last_error: AttemptError | null
  failing_since: Instant | null
  disabled: 'gone' | 'failing' | null
  /** When to look for something to deliver; null when there is nothing. */
  due_at: Instant | null
  /** Counts every change to this, by whoever makes it. */
  version: number
}>

export const WEBHOOKS_MAX = 10
export const URL_MAX = 2000

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
const ROTATION = DAY

/** Throws `invalid` naming every bad field; `urlProblem` is what else is known against the URL. */
export const checkWebhook = (
  url: string,
  events: readonly string[],
  urlProblem: string | undefined,
): readonly WebhookEvent[] => {
  const known = WEBHOOK_EVENTS.filter((event) => events.includes(event))
  const issues: Issue[] = []
  const address = URL.canParse(url) ? new URL(url) : undefined
  const problem =
    textProblem(url, 1, URL_MAX) ??
    urlProblem ??
    (address?.username || address?.password
      ? 'must not contain a user name or password.'
      : undefined)
  if (problem) issues.push({ field: 'url', detail: problem })
  if (known.length === 0 || events.some((event) => !known.some((other) => other === event))) {
    issues.push({ field: 'events', detail: `must be some of ${WEBHOOK_EVENTS.join(', ')}.` })
  }
  refuse(issues)
  return known
}

export const webhooksExceeded = (): DomainError =>
  new DomainError(
    'quota-exceeded',
    `You already have ${WEBHOOKS_MAX} webhooks, the most allowed. Delete one first.`,
  )

export const noWebhook = (): DomainError =>
  new DomainError('not-found', 'There is no webhook with this id. List your webhooks.')

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

/** Which reminders a page of changes holds, by task. */
export type Reminded = Readonly<Record<TaskId, Revision>>

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

/** The old secret goes on signing for 24 hours, the one before it no longer. */
export const rotated = (webhook: Webhook, secret: string, now: Instant): Webhook => ({
  ...webhook,
  secrets: [
    { value: secret, until: null },
    ...webhook.secrets
      .filter(({ until }) => until === null)
      .map(({ value }) => ({ value, until: later(now, ROTATION) })),
  ],
})

export const signingSecrets = ({ secrets }: Webhook, now: Instant): string[] =>
  secrets.filter(({ until }) => until === null || until > now).map(({ value }) => value)

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
