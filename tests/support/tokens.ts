import type { UserId } from '../../src/domain/task.ts'
import type { Token } from '../../src/domain/token.ts'
import { countingIds, NOON } from './tasks.ts'

const newId = countingIds()

/** A token as it is stored, with an id and a hash that no other test has. */
export const tokenOf = (owner: UserId, more: Partial<Token> = {}): Token => {
  const id = newId(NOON)
  return {
    id,
    user_id: owner,
    hash: `hash-${id}`,
    name: 'a "script" 👍',
    scopes: ['tasks:read', 'webhooks'],
    created_at: NOON,
    expires_at: null,
    last_used_at: null,
    ...more,
  }
}
