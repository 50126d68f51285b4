import { Elysia } from 'elysia'
import type { App } from '../../../application/index.ts'
import type { Resource } from '../openapi/document.ts'
import { jsonText } from '../transport/json.ts'
import { actorOf, contextOf } from '../transport/request-context.ts'
import type { EventStreams } from './event-streams.ts'
import { operations, parameters } from './operations.ts'
import { encodePosition, readChangeRequest, readEventRequest } from './position.ts'
import { changeSchemas } from './schema.ts'

/** At most 256 KB, of the largest tasks: each stream keeps a page or two until its client reads. */
const BATCH_SIZE = 25

export const changeResource = (app: App, streams: EventStreams): Resource => ({
  tag: { name: 'changes', description: 'The change feed, paged and as an event stream' },
  schemas: changeSchemas,
  parameters,
  routes: new Elysia({ prefix: '/api', normalize: false })
    .get(
      '/changes',
      async ({ request }) => {
        const { from, limit } = readChangeRequest(contextOf(request).search)
        const page = await app.listChanges(actorOf(request), from, limit)
        const { position, more } = page
        const { revision } = position
        const rest = JSON.stringify({ revision, cursor: encodePosition(position), has_more: more })
        return jsonText(200, `{"changes":${page.changes.text()},${rest.slice(1)}`)
      },
      operations.listChanges,
    )
    .get(
      '/events',
      async ({ request }) => {
        const actor = actorOf(request)
        const { search, expires = 0, recheck } = contextOf(request)
        const from = readEventRequest(search, request.headers)
        const follow = () => app.followChanges(actor, from, BATCH_SIZE)
        return streams.open(actor, follow, { expires, recheck })
      },
      operations.followChanges,
    ),
})
