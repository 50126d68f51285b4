import {
  AUTHENTICATED,
  BODY_FAILURES,
  describeOperations,
  requestBody,
} from '../openapi/operation.ts'
import { ID, IDEMPOTENCY_KEY } from '../openapi/parameters.ts'
import { response } from '../openapi/responses.ts'
import { arrayOf, TEXT } from '../openapi/schema.ts'
import { JSON_TYPE } from '../transport/read-json.ts'
import { webhookRef } from './schema.ts'

const { Webhook, WebhookDraft, Replay } = webhookRef

const REPLAYED = 'Idempotency-Replayed'
const WRITE_FAILURES = ['invalid', 'not-found', 'key-reused'] as const

const CURRENT = response('The webhook.', Webhook)

/** Any other text is an id that no webhook has. */
const WEBHOOK_ID = { ...ID, schema: TEXT }

const COMMON = { ...AUTHENTICATED, scope: 'webhooks' } as const

export const operations = describeOperations('webhooks', COMMON, {
  createWebhook: {
    summary: 'Create a webhook',
    description:
      'Sends a message for every change from now on, in revision order, at least once each, one at a time, signed according to Standard Webhooks. A message without a 2xx response within 15 seconds is retried after 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and then every 24 hours; after five days the webhook is disabled. At most ten per user.',
    parameters: [IDEMPOTENCY_KEY],
    requestBody: requestBody(WebhookDraft, JSON_TYPE, {
      url: 'https://hooks.example.com/taskport',
      events: ['task.changed', 'task.deleted'],
    }),
    responses: { 201: response('The webhook and its secret.', Webhook, 'Location', REPLAYED) },
    failures: [...BODY_FAILURES, 'quota-exceeded', 'key-reused'],
  },
  listWebhooks: {
    summary: 'List webhooks',
    description: 'Oldest first.',
    responses: { 200: response('The webhooks.', arrayOf(Webhook)) },
  },
  getWebhook: {
    summary: 'Get a webhook',
    description: 'Includes its position and its last error.',
    parameters: [WEBHOOK_ID],
    responses: { 200: CURRENT },
    failures: ['not-found'],
  },
  deleteWebhook: {
    summary: 'Delete a webhook',
    description: 'Permanent. Nothing more is sent.',
    parameters: [WEBHOOK_ID, IDEMPOTENCY_KEY],
    responses: { 204: response('The webhook is deleted.', null, REPLAYED) },
    failures: WRITE_FAILURES,
  },
  pingWebhook: {
    summary: 'Ping a webhook',
    description: 'Sends a single message of type ping, without retries.',
    parameters: [WEBHOOK_ID, IDEMPOTENCY_KEY],
    responses: { 202: response('The message is scheduled.', null, REPLAYED) },
    failures: WRITE_FAILURES,
  },
  rotateSecret: {
    summary: 'Rotate the secret of a webhook',
    description:
      'The secrets before it, at most four, sign as well for 24 hours after they were replaced.',
    parameters: [WEBHOOK_ID, IDEMPOTENCY_KEY],
    responses: { 200: response('The webhook and its new secret.', Webhook, REPLAYED) },
    failures: WRITE_FAILURES,
  },
  replayWebhook: {
    summary: 'Replay a webhook',
    description:
      'Sends everything after a revision again, starting immediately, and enables a disabled webhook.',
    parameters: [WEBHOOK_ID, IDEMPOTENCY_KEY],
    requestBody: requestBody(Replay, JSON_TYPE, { since: 0 }),
    responses: { 200: response('The webhook.', Webhook, REPLAYED) },
    failures: [...BODY_FAILURES, 'not-found', 'gone', 'key-reused'],
  },
})
