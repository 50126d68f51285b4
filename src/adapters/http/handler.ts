import type { Log } from '../../application/log.ts'
import { DomainError } from '../../domain/errors.ts'
import type { api } from './api.ts'
import { isEventStream } from './event-streams.ts'
import { beginExchange, type Exchange, exchangeOf, joinExchange } from './exchange.ts'
import { problem, problemOf, unexpected } from './problem.ts'
import { record } from './request-log.ts'

export type HandlerOptions = Readonly<{
  log: Log
  /** Exact origins that browsers may call from, with credentials. */
  corsOrigins?: readonly string[]
  /**
   * The header in which a proxy in front names its client, `X-Forwarded-For` for example; its last
   * entry counts, which is the one that the proxy itself has added.
   */
  trustProxy?: string
  /** Milliseconds a request may take before it is answered 503. */
  deadline?: number
}>

/** `address` tells where the connection comes from. */
export type Handler = (request: Request, address?: () => string | undefined) => Promise<Response>

const ALWAYS = Object.entries({
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'Authorization, Origin',
})

const CSP = "default-src 'none'; frame-ancestors 'none'"

const EXPOSED =
  'ETag, Idempotency-Replayed, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id'

const ACCEPTED =
  'Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, X-Request-Id'

/**
 * The whole server as one function from a request to its answer, for `Bun.serve` and for tests. It
 * adds what every answer has and writes one log line for each.
 */
export const handler = (
  { routes, allowedAt }: ReturnType<typeof api>,
  { log, corsOrigins = [], trustProxy, deadline = 10_000 }: HandlerOptions,
): Handler => {
  const origins = new Set(corsOrigins)

  const answer = async (request: Request): Promise<Response> => {
    if (request.method === 'OPTIONS') return options(request)
    const routed = routable(request)
    if (routed !== request) joinExchange(routed, request)
    const full = await routes.handle(routed)
    if (request.method !== 'HEAD') return full
    const head = new Response(null, { status: full.status, headers: full.headers })
    if (isEventStream(full)) {
      await full.body?.cancel()
      return head
    }
    const { byteLength } = await full.bytes()
    head.headers.set('content-length', String(byteLength))
    return head
  }

  /**
   * HEAD is served as GET. The router needs a whole URL with a host of at least four characters; a
   * request without a usable Host header has none, and short names are common between containers.
   */
  const routable = (request: Request): Request => {
    const { path, search } = exchangeOf(request)
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const whole = request.url.indexOf('/', 8) >= 11
    if (whole && method === request.method) return request
    return new Request(`http://localhost${path}${search}`, {
      method,
      headers: request.headers,
      body: method === 'GET' ? null : request.body,
    })
  }

  const options = (request: Request): Response => {
    const allowed = allowedAt(exchangeOf(request).path)
    if (!allowed) return problem('not-found', 'There is nothing at this address.')
    const preflight = request.headers.has('access-control-request-method')
    return new Response(null, {
      status: 204,
      headers: {
        allow: allowed,
        ...(preflight &&
          origins.has(request.headers.get('origin') ?? '') && {
            'access-control-allow-methods': allowed,
            'access-control-allow-headers': ACCEPTED,
            'access-control-max-age': '600',
          }),
      },
    })
  }

  const dress = ({ headers }: Response, request: Request, { id, replayed }: Exchange): void => {
    if (replayed) headers.set('idempotency-replayed', 'true')
    headers.set('x-request-id', id)
    for (const [name, value] of ALWAYS) headers.set(name, value)
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', CSP)
    if (!headers.has('cache-control')) headers.set('cache-control', 'private, no-cache')
    const origin = request.headers.get('origin')
    if (origin === null || !origins.has(origin)) return
    headers.set('access-control-allow-origin', origin)
    headers.set('access-control-allow-credentials', 'true')
    headers.set('access-control-expose-headers', EXPOSED)
  }

  return async (request, address = () => '') => {
    const forwarded = (): string | undefined =>
      trustProxy && request.headers.get(trustProxy)?.split(',').at(-1)?.trim()
    const exchange = beginExchange(request, () => forwarded() || address() || '')
    const { promise: late, reject } = Promise.withResolvers<Response>()
    const timer = setTimeout(
      () => reject(new DomainError('unavailable', 'This took too long. Try again.')),
      deadline,
    )
    const response = await Promise.race([answer(request), late]).catch((error) => {
      exchange.error = error
      return problemOf(error, exchange.id) ?? unexpected(exchange.id)
    })
    clearTimeout(timer)
    dress(response, request, exchange)
    record(log, request, exchange, response.status)
    return response
  }
}
