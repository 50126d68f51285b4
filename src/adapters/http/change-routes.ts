import { Elysia } from 'elysia'
import type { App } from '../../application/index.ts'
import { changeRequest, encodePosition, eventRequest } from './change-request.ts'
import type { EventStreams } from './event-streams.ts'
import { actorOf, exchangeOf } from './exchange.ts'
import { jsonText } from './json.ts'
import { changeOperations } from './openapi-changes.ts'

const AT_ONCE = 100

/** The change feed, to be asked for and to be listened to. */
export const changeRoutes = (app: App, streams: EventStreams) =>
  new Elysia({ prefix: '/api', normalize: false })
    .get(
      '/changes',
      async ({ request }) => {
        const { from, limit } = changeRequest(exchangeOf(request).search)
        const page = await app.listChanges(actorOf(request), from, limit)
        const { position, more } = page
        const { revision } = position
        const rest = JSON.stringify({ revision, cursor: encodePosition(position), has_more: more })
        return jsonText(200, `{"changes":${page.json},${rest.slice(1)}`)
      },
      { detail: changeOperations.listChanges },
    )
    .get(
      '/events',
      async ({ request }) => {
        const actor = actorOf(request)
        const { search, expires = 0 } = exchangeOf(request)
        const from = eventRequest(search, request.headers)
        streams.admit(actor)
        const ahead = app.followChanges(actor, from, AT_ONCE)
        try {
          const first = await ahead.next()
          if (!first) throw new Error('A stream that was not stopped has ended.')
          return streams.stream(actor, ahead, first, expires)
        } catch (error) {
          ahead.stop()
          throw error
        }
      },
      { detail: changeOperations.followChanges },
    )
