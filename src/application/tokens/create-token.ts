import type { UserId } from '../../domain/task.ts'
import {
  newToken,
  TOKENS_MAX,
  type Token,
  type TokenFields,
  tokensExceeded,
} from '../../domain/token.ts'
import { spend } from '../budgets/spend.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'tokens' | 'now' | 'newId' | 'tokenSecrets' | 'budgets'>

/** `secret` is known to the caller alone. Throws `invalid`, and `quota-exceeded` after fifty. */
export const createToken =
  (ports: Needs) =>
  async (
    actor: UserId,
    fields: TokenFields,
  ): Promise<Readonly<{ token: Token; secret: string }>> => {
    const { tokens, now, newId, tokenSecrets } = ports
    spend(ports, actor, 'writes')
    const at = now()
    const secret = tokenSecrets.create()
    const hash = tokenSecrets.hash(secret)
    if (hash === undefined) throw new Error('A new token is not well-formed.')
    const token = newToken({ id: newId(at), user_id: actor, hash }, fields, at)
    if ((await tokens.create(token, TOKENS_MAX)) === 'limit') throw tokensExceeded()
    return { token, secret }
  }
