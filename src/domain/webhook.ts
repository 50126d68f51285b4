import type { FeedPosition } from './change.ts'
import { type Instant, later } from './due-date.ts'
import { DomainError, type Issue, refuse } from './errors.ts'
import type { UserId } from './task.ts'
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

/** Milliseconds for which a secret that has been replaced signs as well. */
const ROTATION = 86_400_000

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
