import { Elysia } from 'elysia'
import type { App } from '../../../application/index.ts'
import { parseTaskId } from '../../../domain/task.ts'
import type { Resource } from '../openapi/document.ts'
import { empty, json } from '../transport/json.ts'
import { JSON_TYPE, readJson } from '../transport/read-json.ts'
import { actorOf } from '../transport/request-context.ts'
import { operations } from './operations.ts'
import { serializeToken, tokenDraftBody, tokenSchemas } from './schema.ts'

export const tokenResource = (app: App): Resource => ({
  tag: { name: 'tokens', description: 'Personal tokens for scripts and devices' },
  schemas: tokenSchemas,
  routes: tokenRoutes(app),
})

const tokenRoutes = (app: App) => {
  const readDraft = tokenDraftBody(app.tokenIssues)
  return new Elysia({ prefix: '/api/tokens', normalize: false })
    .post(
      '',
      async ({ request }) => {
        const actor = actorOf(request)
        const fields = readDraft(await readJson(request, JSON_TYPE))
        const { token, secret } = await app.createToken(actor, fields)
        return json(201, serializeToken(token, secret), {
          location: `/api/tokens/${token.id}`,
          'cache-control': 'no-store',
        })
      },
      operations.createToken,
    )
    .get(
      '',
      async ({ request }) => {
        const tokens = await app.listTokens(actorOf(request))
        return json(
          200,
          tokens.map((token) => serializeToken(token)),
        )
      },
      operations.listTokens,
    )
    .delete(
      '/:id',
      async ({ request, params: { id } }) => {
        await app.revokeToken(actorOf(request), parseTaskId(id) ?? id)
        return empty(204)
      },
      operations.deleteToken,
    )
}
