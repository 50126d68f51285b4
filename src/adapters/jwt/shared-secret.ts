import { jwt } from '@elysiajs/jwt'
import { decodeJwt, type JWTPayload } from 'jose'
import type { TokenVerifier } from '../../application/ports.ts'
import {
  type Expectations,
  expiredToken,
  identityOf,
  invalidToken,
  LEEWAY,
  remembering,
  rules,
} from './claims.ts'

const MIN_BYTES = 32

export type SharedSecret = Expectations & Readonly<{ secret: string }>

/** What is wrong with a secret for HS256 (RFC 7518 section 3.2), or undefined. */
export const secretProblem = (secret: string): string | undefined => {
  if (secret.includes('-----BEGIN')) {
    return 'must be a shared secret, not a key file. For public keys set AUTH_JWKS_URL.'
  }
  return Buffer.byteLength(secret) < MIN_BYTES
    ? `must have at least ${MIN_BYTES} bytes. Make one with: openssl rand -base64 32`
    : undefined
}

/** Accepts tokens signed with HS256 by whoever shares the secret, such as Better Auth. */
export const sharedSecretVerifier = ({
  secret,
  now = Date.now,
  ...expected
}: SharedSecret): TokenVerifier => {
  const { verify } = plugin(secret)
  const check = async (token: string, at: number): Promise<JWTPayload | false> => {
    const options = { ...rules(expected, new Date(at)), algorithms: ['HS256'] }
    return (await verify(token, options)) as JWTPayload | false
  }

  return remembering(async (token) => {
    const payload = await check(token, now())
    if (payload) return identityOf(payload)
    const expiry = expiryOf(token)
    const late = expiry !== undefined && now() >= (expiry + LEEWAY) * 1000
    if (late && (await check(token, (expiry - 1) * 1000))) throw expiredToken()
    throw invalidToken()
  }, now)
}

/** Signs tokens as the identity provider would, good for `seconds`; for trying things out. */
export const sharedSecretSigner = ({ secret, issuer, audience }: SharedSecret) => {
  const { sign } = plugin(secret)
  return (sub: string, seconds: number): Promise<string> =>
    sign({
      sub,
      exp: Math.floor(Date.now() / 1000) + seconds,
      ...(issuer !== undefined && { iss: issuer }),
      ...(audience !== undefined && { aud: audience }),
    })
}

const plugin = (secret: string) => {
  const problem = secretProblem(secret)
  if (problem) throw new Error(`The shared secret ${problem}`)
  return jwt({ name: 'jwt', secret, alg: 'HS256' }).decorator.jwt
}

/** The `exp` a token claims, in seconds since 1970, unchecked. */
const expiryOf = (token: string): number | undefined => {
  try {
    const { exp } = decodeJwt(token)
    return typeof exp === 'number' && Number.isFinite(exp) ? exp : undefined
  } catch {
    return undefined
  }
}
