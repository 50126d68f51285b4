import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { TokenVerifier } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import {
  cached,
  type Expectations,
  expiredToken,
  identityOf,
  invalidToken,
  rules,
} from './claims.ts'

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256', 'PS256']
const REFRESH_AFTER_MS = 10 * 60_000

export type KeySet = Expectations &
  Readonly<{
    /** Where the issuer publishes its keys (RFC 7517). */
    url: string
    fetchKeys?: () => Promise<Response>
    /** Milliseconds that a fetch may take, and that pass before the next one. */
    fetchTimeout?: number
    fetchPause?: number
    /** Called when known keys could not be refreshed; they stay in use. */
    onStale?: (error: unknown) => void
  }>

/** A key verifies only the algorithm it names. Known keys stay in use during an outage. */
export const keySetVerifier = ({
  url,
  now = Date.now,
  fetchKeys,
  fetchTimeout = 5000,
  fetchPause = 30_000,
  onStale = () => {},
  ...expected
}: KeySet): TokenVerifier => {
  const keys = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    timeoutDuration: fetchTimeout,
    cooldownDuration: fetchPause,
    ...(fetchKeys && { [customFetch]: fetchKeys }),
  })
  let refreshed = now()

  const keyFor: JWTVerifyGetKey = async (header, token) => {
    const known = keys.jwks() !== undefined
    if (known && now() - refreshed > REFRESH_AFTER_MS) {
      refreshed = now()
      keys.reload().catch(onStale)
    }
    try {
      return await keys(header, token)
    } catch (error) {
      if (keys.jwks() === undefined) throw noKeys(error)
      throw error
    }
  }

  return cached(async (token) => {
    try {
      const options = { ...rules(expected, new Date(now())), algorithms: ALGORITHMS }
      return identityOf((await jwtVerify(token, keyFor, options)).payload)
    } catch (error) {
      if (error instanceof DomainError) throw error
      throw error instanceof errors.JWTExpired ? expiredToken() : invalidToken()
    }
  }, now)
}

const noKeys = (cause: unknown): DomainError =>
  new DomainError(
    'unavailable',
    "The identity provider's keys are not available right now. Try again.",
    {
      cause,
    },
  )
