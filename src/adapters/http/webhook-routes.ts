import { Elysia } from 'elysia'
import type { App } from '../../application/index.ts'
import { actorOf } from './exchange.ts'
import { json } from './json.ts'
import { webhookOperations } from './openapi-webhooks.ts'
import { JSON_TYPE, readJson } from './read-json.ts'
import { replaySince, webhookAnswer, webhookDraft } from './webhook-schema.ts'

type Routed = { request: Request; params: { id: string } }

/** Webhooks: made, looked at, tried, given another secret, sent back to an earlier revision, removed. */
export const webhookRoutes = (app: App) =>
  new Elysia({ prefix: '/api/webhooks', normalize: false })
    .post(
      '',
      async ({ request }) => {
        const actor = actorOf(request)
        const { url, events } = webhookDraft(await readJson(request, JSON_TYPE))
        const webhook = await app.createWebhook(actor, url, events)
        return json(201, webhookAnswer(webhook, webhook.secrets[0]?.value), {
          location: `/api/webhooks/${webhook.id}`,
        })
      },
      { parse: 'none', detail: webhookOperations.createWebhook },
    )
    .get(
      '',
      async ({ request }) => {
        const webhooks = await app.listWebhooks(actorOf(request))
        return json(
          200,
          webhooks.map((webhook) => webhookAnswer(webhook)),
        )
      },
      { detail: webhookOperations.listWebhooks },
    )
    .get(
      '/:id',
      async ({ request, params }: Routed) =>
        json(200, webhookAnswer(await app.getWebhook(actorOf(request), params.id))),
      { detail: webhookOperations.getWebhook },
    )
    .delete(
      '/:id',
      async ({ request, params }: Routed) => {
        await app.deleteWebhook(actorOf(request), params.id)
        return new Response(null, { status: 204 })
      },
      { parse: 'none', detail: webhookOperations.deleteWebhook },
    )
    .post(
      '/:id/ping',
      async ({ request, params }: Routed) => {
        await app.pingWebhook(actorOf(request), params.id)
        return new Response(null, { status: 202 })
      },
      { parse: 'none', detail: webhookOperations.pingWebhook },
    )
    .post(
      '/:id/rotate-secret',
      async ({ request, params }: Routed) => {
        const webhook = await app.rotateSecret(actorOf(request), params.id)
        return json(200, webhookAnswer(webhook, webhook.secrets[0]?.value))
      },
      { parse: 'none', detail: webhookOperations.rotateSecret },
    )
    .post(
      '/:id/replay',
      async ({ request, params }: Routed) => {
        const actor = actorOf(request)
        const since = replaySince(await readJson(request, JSON_TYPE))
        return json(200, webhookAnswer(await app.replayWebhook(actor, params.id, since)))
      },
      { parse: 'none', detail: webhookOperations.replayWebhook },
    )
