import type { WebhookEvent } from '../../domain/webhook.ts'
import { BODY, body, onTasks } from './openapi.ts'
import { answer } from './openapi-answers.ts'
import { WEBHOOK_ID } from './openapi-parameters.ts'
import { schemaOf } from './openapi-schemas.ts'
import { JSON_TYPE } from './read-json.ts'

const CURRENT = answer('The webhook as it is now.', schemaOf('Webhook'))

/** What the document says of the webhook routes. */
export const webhookOperations = {
  createWebhook: onTasks(
    {
      operationId: 'createWebhook',
      summary: 'Be told of changes',
      description:
        'Sends a message for every change from now on: one after the other, in the order of their revisions, at least once each, signed by the Standard Webhooks specification. A message that is not answered with 2xx within 15 seconds is sent again, after 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and then every 24 hours; after five days the webhook is disabled. At most ten.',
      requestBody: body('WebhookDraft', JSON_TYPE, {
        url: 'https://hooks.example.com/taskport',
        events: ['task.changed', 'task.deleted'],
      }),
      responses: {
        201: answer('The webhook, with its secret.', schemaOf('Webhook'), 'Location'),
      },
    },
    ...BODY,
    'quota-exceeded',
  ),
  listWebhooks: onTasks({
    operationId: 'listWebhooks',
    summary: 'List your webhooks',
    description: 'Oldest first.',
    responses: { 200: answer('The webhooks.', { type: 'array', items: schemaOf('Webhook') }) },
  }),
  getWebhook: onTasks(
    {
      operationId: 'getWebhook',
      summary: 'How a webhook is doing',
      description: 'How far it has come, and what went wrong last.',
      parameters: [WEBHOOK_ID],
      responses: { 200: CURRENT },
    },
    'not-found',
  ),
  deleteWebhook: onTasks(
    {
      operationId: 'deleteWebhook',
      summary: 'Be told no more',
      description: 'For good.',
      parameters: [WEBHOOK_ID],
      responses: { 204: answer('It is gone.', null) },
    },
    'not-found',
  ),
  pingWebhook: onTasks(
    {
      operationId: 'pingWebhook',
      summary: 'Try a webhook',
      description: 'Sends a message of the type ping soon, once.',
      parameters: [WEBHOOK_ID],
      responses: { 202: answer('It is on its way.', null) },
    },
    'not-found',
  ),
  rotateSecret: onTasks(
    {
      operationId: 'rotateSecret',
      summary: 'Get another secret',
      description: 'The old one signs as well for 24 hours.',
      parameters: [WEBHOOK_ID],
      responses: { 200: answer('The webhook, with its new secret.', schemaOf('Webhook')) },
    },
    'not-found',
  ),
  replayWebhook: onTasks(
    {
      operationId: 'replayWebhook',
      summary: 'Be told again',
      description:
        'Sends everything after a revision again, and at once, even if the webhook had been disabled.',
      parameters: [WEBHOOK_ID],
      requestBody: body('Replay', JSON_TYPE, { since: 0 }),
      responses: { 200: CURRENT },
    },
    ...BODY,
    'not-found',
    'gone',
  ),
}

const SIGNATURE = [
  ['webhook-id', 'The same in every attempt: what has been seen needs no second look.', 'msg_1'],
  ['webhook-timestamp', 'When it was sent, in seconds since 1970.', '1770710400'],
  ['webhook-signature', 'v1 and an HMAC-SHA256 for each secret, with spaces between.', 'v1,K5oZ'],
] as const

const message = (type: WebhookEvent | 'ping', summary: string, data: object) => ({
  post: {
    tags: ['webhooks'],
    operationId: `on ${type}`,
    summary,
    description:
      'Signed by the Standard Webhooks specification. Answer with 2xx soon; 410 when you want no more.',
    parameters: SIGNATURE.map(([name, description, example]) => ({
      name,
      in: 'header',
      description,
      required: true,
      schema: { type: 'string', examples: [example] },
    })),
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['type', 'timestamp', 'data'],
            additionalProperties: false,
            properties: {
              type: { type: 'string', const: type },
              timestamp: { type: 'string', format: 'date-time' },
              data,
            },
          },
        },
      },
    },
    responses: { 204: { description: 'It has arrived.' } },
  },
})

const withRevision = (rest: Record<string, object>) => ({
  type: 'object',
  required: ['revision', ...Object.keys(rest)],
  additionalProperties: false,
  properties: { revision: { type: 'integer', minimum: 1 }, ...rest },
})

/** The messages that webhooks send. */
export const webhookMessages = {
  'task.changed': message(
    'task.changed',
    'A task was created or changed, or its reminder has come',
    withRevision({ task: schemaOf('Task') }),
  ),
  'task.deleted': message(
    'task.deleted',
    'A task is gone',
    withRevision({ id: { type: 'string', format: 'uuid' } }),
  ),
  'task.reminder': message(
    'task.reminder',
    'The time has come that a task was to be reminded of',
    withRevision({ task: schemaOf('Task') }),
  ),
  ping: message('ping', 'Somebody tries the webhook', {
    type: 'object',
    additionalProperties: false,
  }),
} satisfies Record<WebhookEvent | 'ping', object>
