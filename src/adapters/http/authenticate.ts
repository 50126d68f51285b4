import type { TokenVerifier } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import { exchangeOf } from './exchange.ts'
import { problem, problemOf } from './problem.ts'

const MISSING =
  'The token is missing. Send it as Authorization: Bearer <token>, from your identity provider.'

/**
 * Lets a request under `/api/` pass only with a bearer token (RFC 6750) and notes whose it is; the
 * identity provider's own routes are open. Answers before anything of the body is read.
 */
export const authenticate =
  (verify: TokenVerifier) =>
  async (request: Request): Promise<Response | undefined> => {
    const exchange = exchangeOf(request)
    const { path } = exchange
    if (!path.startsWith('/api/') || path.startsWith('/api/auth/')) return undefined
    const header = request.headers.get('authorization')
    const [, token] = /^Bearer +(\S+) *$/i.exec(header ?? '') ?? []
    if (header === null || !/^Bearer\b/i.test(header)) return challenge(MISSING, 'Bearer')
    try {
      if (token === undefined) throw new DomainError('unauthenticated', MALFORMED)
      const verified = verify(token)
      const identity = verified instanceof Promise ? await verified : verified
      exchange.user = identity.user_id
      exchange.expires = identity.expires_at
      return undefined
    } catch (error) {
      if (!(error instanceof DomainError && error.kind === 'unauthenticated')) {
        const answer = problemOf(error, exchange.id)
        if (answer) return answer
        throw error
      }
      return challenge(error.message, 'Bearer error="invalid_token"')
    }
  }

const MALFORMED = 'The token is not valid here. Send one token as Authorization: Bearer <token>.'

const challenge = (detail: string, scheme: string): Response =>
  problem('unauthenticated', detail, { headers: { 'www-authenticate': scheme } })
