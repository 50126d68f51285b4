import { jwt } from '@elysiajs/jwt'
import { decodeJwt, type JWTPayload } from 'jose'
import type { TokenVerifier } from '../../application/ports.ts'
import {
  cached,
  type Expectations,
  expiredToken,
  identityOf,
  invalidToken,
  LEEWAY,
  rules,
} from './claims.ts'
import { secretProblem } from './secret-problem.ts'

export type SharedSecret = Expectations & Readonly<{ secret: string }>

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

  return cached(async (token) => {
    const payload = await check(token, now())
    if (payload) return identityOf(payload)
    const expiry = expiryOf(token)
    const late = expiry !== undefined && now() >= (expiry + LEEWAY) * 1000
    if (late && (await check(token, (expiry - 1) * 1000))) throw expiredToken()
    throw invalidToken()
  }, now)
}

/** For tests and development; valid for `seconds`. */
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

/** Unchecked, in seconds since 1970. */
const expiryOf = (token: string): number | undefined => {
  try {
    const { exp } = decodeJwt(token)
    return typeof exp === 'number' && Number.isFinite(exp) ? exp : undefined
  } catch {
    return undefined
  }
}
