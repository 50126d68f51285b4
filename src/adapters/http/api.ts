import { type AnyElysia, Elysia, NotFoundError } from 'elysia'
import type { App } from '../../application/index.ts'
import type { TokenVerifier } from '../../application/ports.ts'
import { requireScope, type Scope } from '../../domain/token.ts'
import { type Accounts, accountResource } from './accounts/routes.ts'
import { eventStreams, type StreamOptions } from './changes/event-streams.ts'
import { changeResource } from './changes/routes.ts'
import { clientFiles } from './client-files.ts'
import { docs } from './docs.ts'
import type { Resource } from './openapi/document.ts'
import { type Metrics, metricsRoutes } from './service/metrics.ts'
import { serviceResource } from './service/routes.ts'
import { taskResource } from './tasks/routes.ts'
import { tokenResource } from './tokens/routes.ts'
import { transferResource } from './transfer/routes.ts'
import { authenticate } from './transport/authenticate.ts'
import { problem, problemOf, unexpected } from './transport/problem.ts'
import { contextOf } from './transport/request-context.ts'
import { scopeOf } from './transport/scopes.ts'
import { webhookResource } from './webhooks/routes.ts'

export type ApiOptions = Readonly<{
  version: string
  accounts?: Accounts | undefined
  streams?: StreamOptions
  /** Served to those who have its token. */
  metrics?: Metrics | undefined
}>

export const api = (
  app: App,
  verify: TokenVerifier,
  { version, accounts, streams: options, metrics }: ApiOptions,
) => {
  const guard = authenticate(verify, app, accounts?.session)
  const streams = eventStreams(options)
  const resources: readonly Resource[] = [
    ...(accounts ? [accountResource(accounts)] : []),
    taskResource(app),
    changeResource(app, streams),
    webhookResource(app),
    tokenResource(app),
    transferResource(app),
    serviceResource(version, async () => {
      const [failing] = await Promise.all([app.checkReady(), accounts?.ready()])
      return failing
    }),
  ]

  const scopes = new Map<string, Scope>()
  const routes = new Elysia({ normalize: false })
    .onRequest(({ request }) => guard(request))
    .onTransform(({ request, route }) => {
      const context = contextOf(request)
      context.route = route
      if (context.scopes) requireScope(context.scopes, scopes.get(`${request.method} ${route}`))
    })
    .onError(({ request, error }) => {
      if (error instanceof NotFoundError) return noRoute(request)
      const context = contextOf(request)
      const naming = context.body ? 'pointer' : 'parameter'
      const hasMessage = context.path.startsWith('/api/auth/')
      const response = problemOf(error, context.id, naming, hasMessage) ?? unexpected(context.id)
      if (response.status >= 500) context.error = error
      return response
    })
  for (const resource of resources) routes.use(resource.routes)
  routes.use(docs(version, resources)).use(clientFiles())
  if (metrics) routes.use(metricsRoutes(metrics))
  requireOperations(routes)
  for (const route of routes.routes) {
    const scope = scopeOf(route)
    if (scope) scopes.set(`${route.method} ${route.path}`, scope)
  }

  const allowedAt = (path: string): string =>
    allow(routes.routes.filter((route) => matches(route.path, path)).map(({ method }) => method))

  const noRoute = (request: Request): Response => {
    const allowed = allowedAt(contextOf(request).path)
    return allowed
      ? problem('method-not-allowed', `Use one of ${allowed} here.`, {
          headers: { allow: allowed },
        })
      : problem('not-found', 'No resource has this path. See /docs for those that exist.')
  }

  return {
    routes,
    /** Empty if the path has no route. */
    allowedAt,
    endStreams: streams.close,
    openStreams: streams.count,
  }
}

/** Throws for a route that the OpenAPI document would not describe. */
export const requireOperations = ({ routes }: Pick<AnyElysia, 'routes'>): void => {
  for (const { method, path, hooks } of routes) {
    if (hooks.detail?.operationId || hooks.detail?.hide) continue
    throw new Error(`The route ${method} ${path} has no OpenAPI operation.`)
  }
}

const matches = (pattern: string, path: string): boolean => {
  const [expected, given] = [pattern.split('/'), path.replace(/(.)\/$/, '$1').split('/')]
  return (
    expected.length === given.length &&
    expected.every((part, n) => (part.startsWith(':') ? given[n] !== '' : part === given[n]))
  )
}

/** HEAD comes with GET, OPTIONS with every route. */
const allow = (methods: readonly string[]): string =>
  methods.length === 0
    ? ''
    : [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])]
        .sort()
        .join(', ')
