import type { FeedPosition } from './change.ts'
import { type Instant, later } from './due-date.ts'
import { DomainError, type Issue } from './errors.ts'
import type { UserId } from './task.ts'
import { textProblem } from './text.ts'

export const WEBHOOK_EVENTS = ['task.changed', 'task.deleted', 'task.reminder'] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

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

export type Webhook = Readonly<{
  id: string
  user_id: UserId
  url: string
  events: readonly WebhookEvent[]
  secrets: readonly WebhookSecret[]
  created_at: Instant
  /** Everything up to there has been delivered. */
  position: FeedPosition
  /** When a ping was requested that has not been sent yet. */
  pinged_at: Instant | null
  /** Attempts in a row that failed. */
  failures: number
  last_attempt_at: Instant | null
  last_error: AttemptError | null
  failing_since: Instant | null
  disabled: 'gone' | 'failing' | null
  /** When to look for something to deliver; null when there is nothing. */
  due_at: Instant | null
  version: number
}>

export const WEBHOOKS_MAX = 10
export const URL_MAX = 2000

/** Milliseconds for which a replaced secret signs as well. */
const ROTATION = 86_400_000

const SECRETS_MAX = 5

export const newWebhook = (
  fields: Pick<Webhook, 'id' | 'user_id' | 'url' | 'events' | 'position'>,
  secret: string,
  now: Instant,
): Webhook => ({
  ...fields,
  secrets: [{ value: secret, until: null }],
  created_at: now,
  pinged_at: null,
  failures: 0,
  last_attempt_at: null,
  last_error: null,
  failing_since: null,
  disabled: null,
  // A change that is committed while the webhook is being created is looked for once.
  due_at: now,
  version: 1,
})

export type WebhookFields = Readonly<{ url?: string; events?: readonly string[] }>

export const webhookIssues = (
  { url, events }: WebhookFields,
  urlProblem: (url: string) => string | undefined,
): Issue[] => [
  ...(url === undefined ? [] : urlIssues(url, urlProblem)),
  ...(events === undefined ? [] : eventIssues(events)),
]

const urlIssues = (url: string, urlProblem: (url: string) => string | undefined): Issue[] => {
  const target = URL.canParse(url) ? new URL(url) : undefined
  const problem =
    textProblem(url, 1, URL_MAX) ??
    urlProblem(url) ??
    (target?.username || target?.password ? 'must not contain a user name or password.' : undefined)
  return problem === undefined ? [] : [{ field: 'url', detail: problem }]
}

const eventIssues = (events: readonly string[]): Issue[] => {
  const known = (event: string): boolean => WEBHOOK_EVENTS.some((other) => other === event)
  if (events.length > 0 && events.every(known)) return []
  return [{ field: 'events', detail: `must be some of ${WEBHOOK_EVENTS.join(', ')}.` }]
}

export const webhooksExceeded = (): DomainError =>
  new DomainError(
    'quota-exceeded',
    `You already have ${WEBHOOKS_MAX} webhooks, the most allowed. Delete one first.`,
  )

export const webhookNotFound = (): DomainError =>
  new DomainError(
    'not-found',
    'There is no webhook with this id. List your webhooks to see their ids.',
  )

/** The newest four of the secrets before it sign for another 24 hours each. */
export const rotated = (webhook: Webhook, secret: string, now: Instant): Webhook => ({
  ...webhook,
  secrets: [
    { value: secret, until: null },
    ...webhook.secrets
      .map(({ value, until }) => ({ value, until: until ?? later(now, ROTATION) }))
      .filter(({ until }) => until > now)
      .slice(0, SECRETS_MAX - 1),
  ],
})

export const signingSecrets = ({ secrets }: Webhook, now: Instant): string[] =>
  secrets.filter(({ until }) => until === null || until > now).map(({ value }) => value)
