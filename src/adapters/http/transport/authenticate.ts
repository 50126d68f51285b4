import type { App } from '../../../application/index.ts'
import type { TokenVerifier } from '../../../application/ports.ts'
import { budgetExceeded } from '../../../domain/budget.ts'
import { DomainError } from '../../../domain/errors.ts'
import { TOKEN_PREFIX } from '../../../domain/token.ts'
import type { Accounts } from '../accounts/routes.ts'
import { problem, problemOf } from './problem.ts'
import { contextOf } from './request-context.ts'

const MISSING = 'The token is missing. Send it as Authorization: Bearer <token>.'

const MALFORMED = 'The token is not valid here. Send one token as Authorization: Bearer <token>.'

const OF_SESSION =
  'This is the token of a session. Send it to /api/auth/token, and the token from there here.'

/** As the identity provider signs them; a JSON Web Token has three parts. */
const isOfSession = (token: string): boolean => /^\w{32}\.[^.]+$/.test(token)

/** Where a session cookie does as well: a browser's EventSource cannot send a token. */
const EVENTS = '/api/events'

type Guards = Pick<App, 'admitRequest' | 'authenticateToken'>

/**
 * Bearer tokens (RFC 6750), JSON Web Tokens and personal ones, and budgets. Rejects a request before
 * any of its body is read.
 */
export const authenticate =
  (verify: TokenVerifier, app: Guards, session?: Accounts['session']) =>
  (request: Request): Promise<Response | undefined> | undefined => {
    const { path } = contextOf(request)
    if (!path.startsWith('/api/') || path.startsWith('/api/auth/')) return undefined
    return requireToken(verify, app, request, session)
  }

const requireToken = async (
  verify: TokenVerifier,
  { admitRequest, authenticateToken }: Guards,
  request: Request,
  session: Accounts['session'],
): Promise<Response | undefined> => {
  const context = contextOf(request)
  const header = request.headers.get('authorization')
  const [, token] = /^Bearer +(\S+) *$/i.exec(header ?? '') ?? []
  const byCookie = header === null && context.path === EVENTS && request.headers.has('cookie')
  const visit = byCookie ? session : undefined
  if (!visit && (header === null || !/^Bearer\b/i.test(header))) return challenge(MISSING, 'Bearer')
  try {
    if (!visit && token === undefined) throw new DomainError('unauthenticated', MALFORMED)
    const personal = token?.startsWith(TOKEN_PREFIX) ? token : undefined
    const verified = visit
      ? visit(request)
      : personal
        ? authenticateToken(personal)
        : verify(token ?? '')
    const identity = verified instanceof Promise ? await verified : verified
    if (!identity) return challenge(MISSING, 'Bearer')
    context.user = identity.user_id
    context.expires = identity.expires_at
    if (personal) {
      context.scopes = identity.scopes ?? []
      context.recheck = () => authenticateToken(personal)
    }
    const spent = admitRequest(identity.user_id)
    context.spent = spent
    if (spent.wait > 0) throw budgetExceeded('requests', spent.wait)
    return undefined
  } catch (error) {
    if (!(error instanceof DomainError && error.kind === 'unauthenticated')) {
      const response = problemOf(error, context.id)
      if (response) return response
      throw error
    }
    const detail = session && isOfSession(token ?? '') ? OF_SESSION : error.message
    return challenge(detail, 'Bearer error="invalid_token"')
  }
}

const challenge = (detail: string, scheme: string): Response =>
  problem('unauthenticated', detail, { headers: { 'www-authenticate': scheme } })
