import { Type as t } from '@sinclair/typebox'
import type { Revision } from '../../../domain/task.ts'
import { URL_MAX, WEBHOOK_EVENTS, type Webhook } from '../../../domain/webhook.ts'
import { nullable, references, timestamp } from '../openapi/schema.ts'
import { bodyReader, type FieldCheck } from '../transport/body-reader.ts'

const strict = { additionalProperties: false }

const url = t.String({ maxLength: URL_MAX, examples: ['https://hooks.example.com/taskport'] })
const WebhookEventSchema = t.Union(
  WEBHOOK_EVENTS.map((event) => t.Literal(event)),
  { $id: 'WebhookEvent' },
)
const events = t.Array(WebhookEventSchema, {
  minItems: 1,
  description:
    'task.changed: a task was created, updated or reminded of. task.deleted: a task was deleted. task.reminder: a reminder is due.',
})

const WebhookDraftSchema = t.Object({ url, events }, strict)

const ReplaySchema = t.Object(
  { since: t.Integer({ minimum: 0, description: 'The revision after which to start again.' }) },
  strict,
)

const WebhookStateSchema = t.Union(
  [t.Literal('active'), t.Literal('failing'), t.Literal('disabled')],
  { $id: 'WebhookState' },
)

const WebhookSchema = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    url,
    events,
    created_at: timestamp,
    state: WebhookStateSchema,
    disabled_because: t.Union([t.Literal('gone'), t.Literal('failing'), t.Null()], {
      description:
        'gone: the receiver responded with 410. failing: every attempt within five days failed. A replay enables the webhook again.',
    }),
    position: t.Integer({
      minimum: 0,
      description: 'All changes up to this revision are delivered.',
    }),
    last_attempt_at: nullable(timestamp),
    last_error: nullable(t.String({ examples: ['timeout', 'server-error'] })),
    failing_since: nullable(timestamp),
    next_attempt_at: nullable(timestamp),
    secret: t.Optional(
      t.String({ description: 'The signing secret; only in the response that creates it.' }),
    ),
  },
  strict,
)

const EXPECTATIONS = {
  url: 'must be a string.',
  events: `must be an array of ${WEBHOOK_EVENTS.join(', ')}.`,
  since: 'must be a revision: an integer from 0.',
}

export const webhookDraftBody = (check: FieldCheck) =>
  bodyReader(
    t.Object({ url: t.String(), events: t.Array(t.String()) }, strict),
    EXPECTATIONS,
    check,
  )

const replay = bodyReader(ReplaySchema, EXPECTATIONS)

/** A revision too large to be exact is ahead of every other, as is the largest exact one. */
export const readReplay = (body: unknown): Revision =>
  Math.min(replay.read(body).since, Number.MAX_SAFE_INTEGER)

/** The secret is included only when it is new. */
export const serializeWebhook = (webhook: Webhook, secret?: string) => {
  const { id, url, events, created_at, position, disabled, failing_since, due_at } = webhook
  const { last_attempt_at, last_error } = webhook
  return {
    id,
    url,
    events,
    created_at,
    state: disabled ? 'disabled' : failing_since ? 'failing' : 'active',
    disabled_because: disabled,
    position: position.revision,
    last_attempt_at,
    last_error,
    failing_since,
    next_attempt_at: failing_since ? due_at : null,
    ...(secret !== undefined && { secret }),
  }
}

export const webhookSchemas = {
  Webhook: WebhookSchema,
  WebhookEvent: WebhookEventSchema,
  WebhookState: WebhookStateSchema,
  WebhookDraft: WebhookDraftSchema,
  Replay: ReplaySchema,
}

export const webhookRef = references(webhookSchemas)
