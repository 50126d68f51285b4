import type { JWTPayload } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Identity, TokenVerifier } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import { textProblem } from '../../domain/text.ts'

/** Seconds by which the clocks of issuer and verifier may differ. */
export const LEEWAY = 30

const MAX_TOKEN = 8192
const USER_ID_MAX = 255

export type Expectations = Readonly<{
  /** The `iss` and `aud` a token must have, when given (RFC 7519 section 4.1). */
  issuer?: string
  audience?: string
  /** Milliseconds since 1970. */
  now?: () => number
}>

export const rules = ({ issuer, audience }: Expectations, currentDate: Date) => ({
  requiredClaims: ['exp', 'sub'],
  clockTolerance: LEEWAY,
  currentDate,
  ...(issuer !== undefined && { issuer }),
  ...(audience !== undefined && { audience }),
})

export const invalidToken = (): DomainError =>
  new DomainError('unauthenticated', 'The token is not valid here. Sign in and send a new one.')

export const expiredToken = (): DomainError =>
  new DomainError('unauthenticated', 'The token has expired. Sign in again and send the new one.')

/** Of a payload whose signature, times, issuer and audience have been checked. */
export const identityOf = ({ sub, exp }: JWTPayload): Identity => {
  if (typeof sub !== 'string' || textProblem(sub, 1, USER_ID_MAX)) throw invalidToken()
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw invalidToken()
  return { user_id: sub, expires_at: exp * 1000 }
}

/** Keeps tokens for a minute, after which a withdrawn key stops counting; never beyond `exp`. */
export const cached = (
  verify: (token: string) => Promise<Identity>,
  now: () => number = Date.now,
): TokenVerifier => {
  const accepted = new LRUCache<string, Identity>({
    max: 10_000,
    maxSize: 8_000_000,
    sizeCalculation: (_, token) => token.length,
    ttl: 60_000,
    ttlResolution: 0,
    perf: { now },
  })
  return (token) => {
    const known = accepted.get(token)
    if (known && now() < known.expires_at) return known
    if (token.length > MAX_TOKEN) throw invalidToken()
    return verify(token).then((identity) => {
      accepted.set(token, identity)
      return identity
    })
  }
}
