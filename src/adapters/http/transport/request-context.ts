import type { Spent } from '../../../application/ports.ts'
import { parseTrace, type Trace } from '../../../application/trace.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { UserId } from '../../../domain/task.ts'
import type { Scope } from '../../../domain/token.ts'

export type RequestContext = {
  readonly id: string
  readonly started: number
  /** Of the request target (RFC 9112 section 3.2); the query has its question mark. */
  readonly path: string
  readonly search: string
  /** The client's address, empty if unknown. Only available before the first await. */
  readonly peer: () => string
  /** As received, or as begun here. */
  trace?: Trace
  /** For the log: the client's address and user agent, as far as they are wanted. */
  client?: Readonly<Record<string, string>>
  /** The pattern, such as `/api/tasks/:id`. */
  route?: string
  user?: UserId
  /** Of the user's requests. */
  spent?: Spent
  /** Milliseconds since 1970, when the token expires. */
  expires?: number
  /** Of a personal token. */
  scopes?: readonly Scope[]
  /** Rejects with `unauthenticated` once a personal token has been revoked or has expired. */
  recheck?: () => Promise<unknown>
  body?: Uint8Array
  replayed?: true
  error?: unknown
}

const contexts = new WeakMap<Request, RequestContext>()

/** Adopts the client's request id if it is short and plain. */
export const createContext = (request: Request, peer = () => ''): RequestContext => {
  const given = request.headers.get('x-request-id')
  const id = given !== null && /^[\w.-]{1,64}$/.test(given) ? given : Bun.randomUUIDv7()
  const trace = traceOf(request.headers)
  const context = {
    id,
    started: performance.now(),
    peer,
    ...requestTarget(request.url),
    ...(trace && { trace }),
  }
  contexts.set(request, context)
  return context
}

const traceOf = (headers: Headers): Trace | undefined => {
  const parent = headers.get('traceparent')
  return parent === null ? undefined : parseTrace(parent, headers.get('tracestate'))
}

const requestTarget = (url: string): { path: string; search: string } => {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?', start)
  return query < 0
    ? { path: url.slice(start), search: '' }
    : { path: url.slice(start, query), search: url.slice(query) }
}

export const shareContext = (copy: Request, original: Request): void => {
  contexts.set(copy, contextOf(original))
}

export const contextOf = (request: Request): RequestContext =>
  contexts.get(request) ?? createContext(request)

/** Throws `unauthenticated` on any route that no token was required for. */
export const actorOf = (request: Request): UserId => {
  const user = contexts.get(request)?.user
  if (user === undefined) throw new DomainError('unauthenticated', 'Sign in first.')
  return user
}
