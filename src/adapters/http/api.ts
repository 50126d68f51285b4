import { Elysia, NotFoundError } from 'elysia'
import type { App } from '../../application/index.ts'
import type { TokenVerifier } from '../../application/ports.ts'
import { type Accounts, accountRoutes } from './account-routes.ts'
import { authenticate } from './authenticate.ts'
import { changeRoutes } from './change-routes.ts'
import { docs } from './docs.ts'
import { eventStreams, type StreamOptions } from './event-streams.ts'
import { exchangeOf } from './exchange.ts'
import { json } from './json.ts'
import { operations } from './openapi.ts'
import { problem, problemOf, unexpected } from './problem.ts'
import { taskRoutes } from './task-routes.ts'
import { webhookRoutes } from './webhook-routes.ts'

export type ApiOptions = Readonly<{
  version: string
  accounts?: Accounts
  streams?: StreamOptions
}>

/** Every route, with authentication before them and every error as a problem document behind them. */
export const api = (
  app: App,
  verify: TokenVerifier,
  { version, accounts, streams: options }: ApiOptions,
) => {
  const guard = authenticate(verify)
  const streams = eventStreams(options)

  const routes = new Elysia({ normalize: false })
    .onRequest(({ request }) => guard(request))
    .onTransform(({ request, route }) => {
      exchangeOf(request).route = route
    })
    .onError(({ request, error }) => {
      if (error instanceof NotFoundError) return noRoute(request)
      const exchange = exchangeOf(request)
      const naming = request.method === 'GET' ? 'parameter' : 'pointer'
      const answer = problemOf(error, exchange.id, naming) ?? unexpected(exchange.id)
      if (answer.status >= 500) exchange.error = error
      return answer
    })
    .get('/', () => json(200, { name: 'taskport', version, docs: '/docs', health: '/health' }), {
      detail: operations.root,
    })
    .get('/health', () => json(200, { status: 'healthy' }), { detail: operations.health })
    .get(
      '/health/ready',
      async () => {
        await Promise.all([app.checkReady(), accounts?.ready()])
        return json(200, { status: 'ready' })
      },
      { detail: operations.ready },
    )
    .use(taskRoutes(app))
    .use(changeRoutes(app, streams))
    .use(webhookRoutes(app))
    .use(accounts ? accountRoutes(accounts) : new Elysia())
    .use(docs(version, accounts !== undefined))

  /** The methods that a path has, by the routes themselves; none for a path that has no route. */
  const methodsOf = (path: string): string[] =>
    routes.routes.filter((route) => matchesRoute(route.path, path)).map(({ method }) => method)

  const noRoute = (request: Request): Response => {
    const allowed = allow(methodsOf(exchangeOf(request).path))
    return allowed
      ? problem('method-not-allowed', `Use one of ${allowed} here.`, {
          headers: { allow: allowed },
        })
      : problem('not-found', 'There is nothing at this address. See /docs for what there is.')
  }

  return {
    routes,
    allowedAt: (path: string) => allow(methodsOf(path)),
    /** Ends what would never end by itself, so that the server can stop. */
    endStreams: streams.close,
    openStreams: streams.count,
  }
}

const matchesRoute = (pattern: string, path: string): boolean => {
  const [expected, given] = [pattern.split('/'), path.replace(/(.)\/$/, '$1').split('/')]
  if (expected.at(-1) === '*')
    return (
      given.length >= expected.length && expected.slice(0, -1).every((part, n) => part === given[n])
    )
  return (
    expected.length === given.length &&
    expected.every((part, n) => (part.startsWith(':') ? given[n] !== '' : part === given[n]))
  )
}

/** The Allow header's value: HEAD comes with GET, OPTIONS with everything; empty when there is no route. */
const allow = (methods: string[]): string =>
  methods.length === 0
    ? ''
    : [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])]
        .sort()
        .join(', ')
