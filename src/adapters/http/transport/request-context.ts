import { DomainError } from '../../../domain/errors.ts'
import type { UserId } from '../../../domain/task.ts'

/** What is known about a request while it is served. */
export type RequestContext = {
  readonly id: string
  readonly started: number
  /** The path and the query (with its question mark) of the request target (RFC 9112 section 3.2). */
  readonly path: string
  readonly search: string
  /** The client's address, empty if unknown. Only available before the first await. */
  readonly peer: () => string
  /** The pattern of the matching route, such as `/api/tasks/:id`. */
  route?: string
  user?: UserId
  /** When the token expires, in milliseconds since 1970. */
  expires?: number
  /** The raw body, once it has been read. */
  body?: Uint8Array
  /** Whether the response repeats that of an earlier request with the same Idempotency-Key. */
  replayed?: true
  error?: unknown
}

const contexts = new WeakMap<Request, RequestContext>()

/** Adopts the client's request id if it is short and plain. */
export const createContext = (request: Request, peer = () => ''): RequestContext => {
  const given = request.headers.get('x-request-id')
  const id = given !== null && /^[\w.-]{1,64}$/.test(given) ? given : Bun.randomUUIDv7()
  const context = { id, started: performance.now(), peer, ...requestTarget(request.url) }
  contexts.set(request, context)
  return context
}

const requestTarget = (url: string): { path: string; search: string } => {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?', start)
  return query < 0
    ? { path: url.slice(start), search: '' }
    : { path: url.slice(start, query), search: url.slice(query) }
}

/** Shares the context of a request with the copy that is routed in its place. */
export const shareContext = (copy: Request, original: Request): void => {
  contexts.set(copy, contextOf(original))
}

export const contextOf = (request: Request): RequestContext =>
  contexts.get(request) ?? createContext(request)

/** The authenticated user. Throws `unauthenticated` on any route that no token was required for. */
export const actorOf = (request: Request): UserId => {
  const user = contexts.get(request)?.user
  if (user === undefined) throw new DomainError('unauthenticated', 'Sign in first.')
  return user
}
