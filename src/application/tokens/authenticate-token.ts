import { expiredToken, isExpired, minuteToNote, unknownToken } from '../../domain/token.ts'
import type { Identity, Ports } from '../ports.ts'
import type { TokenUses } from './token-uses.ts'

type Needs = Pick<Ports, 'tokens' | 'tokenSecrets' | 'now' | 'wake'>

/** Looked up each time: a revoked token fails at once. Throws `unauthenticated`. */
export const authenticateToken =
  ({ tokens, tokenSecrets, now, wake }: Needs, uses: TokenUses) =>
  async (secret: string): Promise<Identity> => {
    const hash = tokenSecrets.hash(secret)
    const token = hash === undefined ? undefined : await tokens.find(hash)
    if (!token) throw unknownToken()
    const at = now()
    if (isExpired(token, at)) throw expiredToken()
    const minute = minuteToNote(token, at)
    if (minute !== undefined) {
      uses.add(token.hash, minute)
      wake('note-token-uses', at)
    }
    const { user_id, scopes, expires_at } = token
    return {
      user_id,
      scopes,
      expires_at: expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(expires_at),
    }
  }
