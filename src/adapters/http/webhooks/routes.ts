import { Elysia } from 'elysia'
import type { App } from '../../../application/index.ts'
import { parseTaskId } from '../../../domain/task.ts'
import type { Resource } from '../openapi/document.ts'
import { idempotencyKeyOf, noteReplay } from '../transport/idempotency-key.ts'
import { empty, json } from '../transport/json.ts'
import { JSON_TYPE, readJson } from '../transport/read-json.ts'
import { actorOf } from '../transport/request-context.ts'
import { webhookMessages } from './messages.ts'
import { operations } from './operations.ts'
import { readReplay, serializeWebhook, webhookDraftBody, webhookSchemas } from './schema.ts'

type Routed = Readonly<{ request: Request; params: { id: string } }>

/** UUIDs are case-insensitive (RFC 9562 section 4). */
const idOf = ({ id }: Routed['params']): string => parseTaskId(id) ?? id

export const webhookResource = (app: App): Resource => ({
  tag: { name: 'webhooks', description: "The user's webhooks, and the messages they send" },
  schemas: webhookSchemas,
  webhooks: webhookMessages,
  routes: webhookRoutes(app),
})

const webhookRoutes = (app: App) => {
  const draftBody = webhookDraftBody(app.webhookIssues)
  return new Elysia({ prefix: '/api/webhooks', normalize: false })
    .post(
      '',
      async ({ request }) => {
        const actor = actorOf(request)
        const { url, events } = draftBody.read(await readJson(request, JSON_TYPE))
        const key = idempotencyKeyOf(request)
        const result = await app.createWebhook(actor, url, events, key)
        const { webhook } = noteReplay(request, result)
        const location = `/api/webhooks/${webhook.id}`
        return json(201, serializeWebhook(webhook, webhook.secrets[0]?.value), { location })
      },
      operations.createWebhook,
    )
    .get(
      '',
      async ({ request }) => {
        const webhooks = await app.listWebhooks(actorOf(request))
        return json(
          200,
          webhooks.map((webhook) => serializeWebhook(webhook)),
        )
      },
      operations.listWebhooks,
    )
    .get(
      '/:id',
      async ({ request, params }: Routed) => {
        const webhook = await app.getWebhook(actorOf(request), idOf(params))
        return json(200, serializeWebhook(webhook))
      },
      operations.getWebhook,
    )
    .delete(
      '/:id',
      async ({ request, params }: Routed) => {
        const key = idempotencyKeyOf(request)
        noteReplay(request, await app.deleteWebhook(actorOf(request), idOf(params), key))
        return empty(204)
      },
      operations.deleteWebhook,
    )
    .post(
      '/:id/ping',
      async ({ request, params }: Routed) => {
        const key = idempotencyKeyOf(request)
        noteReplay(request, await app.pingWebhook(actorOf(request), idOf(params), key))
        return empty(202)
      },
      operations.pingWebhook,
    )
    .post(
      '/:id/rotate-secret',
      async ({ request, params }: Routed) => {
        const key = idempotencyKeyOf(request)
        const result = await app.rotateSecret(actorOf(request), idOf(params), key)
        const { webhook } = noteReplay(request, result)
        return json(200, serializeWebhook(webhook, webhook.secrets[0]?.value))
      },
      operations.rotateSecret,
    )
    .post(
      '/:id/replay',
      async ({ request, params }: Routed) => {
        const actor = actorOf(request)
        const since = readReplay(await readJson(request, JSON_TYPE))
        const key = idempotencyKeyOf(request)
        const result = await app.replayWebhook(actor, idOf(params), since, key)
        return json(200, serializeWebhook(noteReplay(request, result).webhook))
      },
      operations.replayWebhook,
    )
}
