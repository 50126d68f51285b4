import { Type as t } from '@sinclair/typebox'
import { URL_MAX, WEBHOOK_EVENTS, type Webhook } from '../../domain/webhook.ts'
import { reader } from './schema-reader.ts'

const events = t.Array(t.Union(WEBHOOK_EVENTS.map((event) => t.Literal(event))), {
  minItems: 1,
  description:
    'task.changed: a task was created, changed or reminded of. task.deleted: it is gone. task.reminder: its time has come.',
})
const url = t.String({ maxLength: URL_MAX, examples: ['https://hooks.example.com/taskport'] })
const strict = { additionalProperties: false }
const moment = t.Union([t.String({ format: 'date-time' }), t.Null()])

export const WebhookDraftSchema = t.Object({ url, events }, strict)

export const ReplaySchema = t.Object(
  { since: t.Integer({ minimum: 0, description: 'Everything after this revision comes again.' }) },
  strict,
)

export const WebhookSchema = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    url,
    events,
    created_at: t.String({ format: 'date-time' }),
    state: t.Union([t.Literal('active'), t.Literal('failing'), t.Literal('disabled')]),
    disabled_because: t.Union([t.Literal('gone'), t.Literal('failing'), t.Null()], {
      description:
        'gone: the receiver answered 410. failing: no attempt of five days succeeded. Replay to go on.',
    }),
    position: t.Integer({ minimum: 0, description: 'The revision up to which all is delivered.' }),
    last_attempt_at: moment,
    last_error: t.Union([t.String({ examples: ['timeout', 'server-error'] }), t.Null()]),
    failing_since: moment,
    next_attempt_at: moment,
    secret: t.Optional(
      t.String({ description: 'Shown only when it is new. Messages are signed with it.' }),
    ),
  },
  strict,
)

const MUST = {
  url: 'must be a string.',
  events: `must be an array of some of ${WEBHOOK_EVENTS.join(', ')}.`,
  since: 'must be a revision: a whole number from 0.',
}

const readDraft = reader(t.Object({ url: t.String(), events: t.Array(t.String()) }, strict), MUST)
const readReplay = reader(ReplaySchema, MUST)

/** Each throws `invalid`, naming every field that is missing, unknown or of the wrong type. */
export const webhookDraft = (body: unknown) => readDraft(body)
export const replaySince = (body: unknown): number => readReplay(body).since

/** As its owner sees it; the secret only when it is new. */
export const webhookAnswer = (webhook: Webhook, secret?: string) => {
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
