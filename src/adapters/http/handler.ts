import type { Spent } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import type { api } from './api.ts'
import { isEventStream } from './changes/event-streams.ts'
import { acceptedEncoding, compressed } from './transport/compress.ts'
import { type Observers, requestObserver } from './transport/observe-request.ts'
import { peerAddress } from './transport/peer-address.ts'
import { problem, problemOf, unexpected } from './transport/problem.ts'
import {
  contextOf,
  createContext,
  type RequestContext,
  shareContext,
} from './transport/request-context.ts'

export type HandlerOptions = Observers &
  Readonly<{
    /** The exact origins that browsers may send requests from, with credentials. */
    corsOrigins?: readonly string[]
    /** The header to which a trusted proxy appends the client's address, like `X-Forwarded-For`. */
    trustProxy?: string
    /** Milliseconds until a request fails with 503. */
    deadline?: number
  }>

export type Handler = (request: Request, address?: () => string | undefined) => Promise<Response>

const STANDARD_HEADERS = Object.entries({
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'Accept-Encoding, Authorization, Origin',
})

const CSP = "default-src 'none'; frame-ancestors 'none'"

const EXPOSED_HEADERS =
  'ETag, Idempotency-Replayed, Link, Location, RateLimit, Retry-After, WWW-Authenticate, X-Request-Id'

const ACCEPTED_HEADERS =
  'Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, Traceparent, Tracestate, X-Request-Id'

/** Responses to writes keep the tag that they give to the task. */
const encodedFor = (request: Request, response: Response): Response | Promise<Response> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return response
  const encoding = acceptedEncoding(request.headers.get('accept-encoding'))
  return encoding ? compressed(response, encoding) : response
}

/** RFC 9112 section 3.2. The runtime joins repeated headers with commas, which no host contains. */
const severalHosts = (): Response => problem('invalid', 'Send exactly one Host header.')

/** As in draft-ietf-httpapi-ratelimit-headers-10 section 4. */
const rateLimit = ({ left, reset }: Spent): string =>
  `"requests";r=${left};t=${Math.ceil(reset / 1000)}`

export const handler = (
  { routes, allowedAt }: ReturnType<typeof api>,
  { corsOrigins = [], deadline = 10_000, ...observers }: HandlerOptions,
): Handler => {
  const { trustProxy } = observers
  const observer = requestObserver(observers)
  const origins = new Set(corsOrigins)

  const respond = async (request: Request): Promise<Response> => {
    if (request.headers.get('host')?.includes(',')) return severalHosts()
    if (request.method === 'OPTIONS') return options(request)
    const routed = routable(request)
    if (routed !== request) shareContext(routed, request)
    const full = await encodedFor(request, await routes.handle(routed))
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

  /** HEAD is routed as GET; the router requires an absolute URL and four characters of host. */
  const routable = (request: Request): Request => {
    const { path, search } = contextOf(request)
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const absolute = request.url.indexOf('/', 8) >= 11
    if (absolute && method === request.method) return request
    return new Request(`http://localhost${path}${search}`, {
      method,
      headers: request.headers,
      body: method === 'GET' ? null : request.body,
      signal: request.signal,
    })
  }

  const options = (request: Request): Response => {
    const allowed = allowedAt(contextOf(request).path)
    if (!allowed) return problem('not-found', 'No resource has this path.')
    const preflight = request.headers.has('access-control-request-method')
    return new Response(null, {
      status: 204,
      headers: {
        allow: allowed,
        ...(preflight &&
          origins.has(request.headers.get('origin') ?? '') && {
            'access-control-allow-methods': allowed,
            'access-control-allow-headers': ACCEPTED_HEADERS,
            'access-control-max-age': '600',
          }),
      },
    })
  }

  const addStandardHeaders = (
    { headers }: Response,
    request: Request,
    { id, replayed, spent }: RequestContext,
  ): void => {
    if (replayed) headers.set('idempotency-replayed', 'true')
    headers.set('x-request-id', id)
    if (spent) headers.set('ratelimit', rateLimit(spent))
    for (const [name, value] of STANDARD_HEADERS) headers.set(name, value)
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', CSP)
    if (!headers.has('cache-control')) headers.set('cache-control', 'private, no-cache')
    const origin = request.headers.get('origin')
    if (origin === null || !origins.has(origin)) return
    headers.set('access-control-allow-origin', origin)
    headers.set('access-control-allow-credentials', 'true')
    headers.set('access-control-expose-headers', EXPOSED_HEADERS)
  }

  return async (request, address = () => '') => {
    const forwarded = (): string | undefined =>
      trustProxy && request.headers.get(trustProxy)?.split(',').at(-1)
    const peer = (): string => peerAddress(forwarded()) ?? peerAddress(address()) ?? ''
    const context = createContext(request, peer)
    const end = observer.begin(request, context)
    const { promise: timeout, reject } = Promise.withResolvers<Response>()
    const timer = setTimeout(
      () => reject(new DomainError('unavailable', 'The request timed out. Try again.')),
      deadline,
    )
    const responding = observer.run(context, () => respond(request))
    const response = await Promise.race([responding, timeout]).catch((error) => {
      context.error = error
      return problemOf(error, context.id) ?? unexpected(context.id)
    })
    clearTimeout(timer)
    addStandardHeaders(response, request, context)
    end(response.status)
    return response
  }
}
