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
