import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'

/** What is known of a request while it is served. */
export type Exchange = {
  readonly id: string
  readonly started: number
  /** The request target (RFC 9112 section 3.2), its query apart with the question mark. */
  readonly path: string
  readonly search: string
  /** The client's address, empty when it is not known. To be asked for before the first wait. */
  readonly peer: () => string
  /** The route that serves it, such as `/api/tasks/:id`. */
  route?: string
  user?: UserId
  /** When the token that it came with expires, in milliseconds since 1970. */
  expires?: number
  /** The body, when it has been read. */
  body?: Uint8Array
  /** Whether it had been carried out before, under the same Idempotency-Key. */
  replayed?: true
  error?: unknown
}

const exchanges = new WeakMap<Request, Exchange>()

/** A caller's own id is taken over when it is short and plain. */
export const beginExchange = (request: Request, peer = () => ''): Exchange => {
  const given = request.headers.get('x-request-id')
  const id = given !== null && /^[\w.-]{1,64}$/.test(given) ? given : Bun.randomUUIDv7()
  const exchange: Exchange = { id, started: performance.now(), peer, ...target(request.url) }
  exchanges.set(request, exchange)
  return exchange
}

const target = (url: string): { path: string; search: string } => {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?', start)
  return query < 0
    ? { path: url.slice(start), search: '' }
    : { path: url.slice(start, query), search: url.slice(query) }
}

/** Lets a second request object stand for the first. */
export const joinExchange = (request: Request, original: Request): void => {
  exchanges.set(request, exchangeOf(original))
}

export const exchangeOf = (request: Request): Exchange =>
  exchanges.get(request) ?? beginExchange(request)

/** Who is asking. A route that nobody has been authenticated for answers 401, whatever its path. */
export const actorOf = (request: Request): UserId => {
  const user = exchanges.get(request)?.user
  if (user === undefined) throw new DomainError('unauthenticated', 'Sign in first.')
  return user
}
