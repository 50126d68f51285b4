import { decodeProtectedHeader } from 'jose'
import type { TokenVerifier } from '../../application/ports.ts'
import { type Expectations, invalidToken } from './claims.ts'
import { type KeySet, keySetVerifier } from './key-set.ts'
import { sharedSecretVerifier } from './shared-secret.ts'

export type Keys = Expectations &
  Pick<KeySet, 'onStale'> &
  Readonly<{ secret?: string; jwksUrl?: string }>

/** With both, HS256 tokens are verified with the secret, all others with the key set. */
export const tokenVerifier = ({ secret, jwksUrl, ...options }: Keys): TokenVerifier => {
  const bySecret = secret === undefined ? undefined : sharedSecretVerifier({ ...options, secret })
  const byKeySet = jwksUrl === undefined ? undefined : keySetVerifier({ ...options, url: jwksUrl })
  if (bySecret && byKeySet) {
    return (token) => (algorithmOf(token) === 'HS256' ? bySecret(token) : byKeySet(token))
  }
  const only = bySecret ?? byKeySet
  if (!only) throw new Error('A secret or the URL of a key set is needed to verify tokens.')
  return only
}

const algorithmOf = (token: string): unknown => {
  try {
    return decodeProtectedHeader(token).alg
  } catch {
    throw invalidToken()
  }
}
