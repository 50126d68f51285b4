import type { WebhookEvent } from '../../../domain/webhook.ts'
import { object, TEXT } from '../openapi/schema.ts'
import { taskRef } from '../tasks/schema.ts'

type MessageType = WebhookEvent | 'ping'

const SIGNATURE = [
  ['webhook-id', 'The same in every attempt, to recognize duplicates by.', 'msg_1'],
  ['webhook-timestamp', 'When this attempt was sent, in seconds since 1970.', '1770710400'],
  ['webhook-signature', 'v1 and an HMAC-SHA256 per secret, separated by spaces.', 'v1,K5oZ'],
] as const

const closed = (properties: Record<string, object>) => ({
  ...object(properties),
  additionalProperties: false,
})

const message = (type: MessageType, summary: string, data: Record<string, object>) => ({
  post: {
    tags: ['webhooks'],
    operationId: `on${type.replace(/(?:^|\.)(\w)/g, (_, letter) => letter.toUpperCase())}`,
    security: [],
    summary,
    description:
      'Signed according to Standard Webhooks. Respond with 2xx within 15 seconds, or with 410 to disable the webhook.',
    parameters: SIGNATURE.map(([name, description, example]) => ({
      name,
      in: 'header',
      description,
      required: true,
      schema: { ...TEXT, examples: [example] },
    })),
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: closed({
            type: { ...TEXT, const: type },
            timestamp: { ...TEXT, format: 'date-time' },
            data: closed(data),
          }),
        },
      },
    },
    responses: { 204: { description: 'The message is accepted.' } },
  },
})

const revision = { type: 'integer', minimum: 1 }

export const webhookMessages = {
  'task.changed': message('task.changed', 'A task was created, updated or reminded of', {
    revision,
    task: taskRef.Task,
  }),
  'task.deleted': message('task.deleted', 'A task was deleted', {
    revision,
    id: { ...TEXT, format: 'uuid' },
  }),
  'task.reminder': message('task.reminder', 'A reminder of a task is due', {
    revision,
    task: taskRef.Task,
  }),
  ping: message('ping', 'The webhook was pinged', {}),
} satisfies Record<MessageType, object>
