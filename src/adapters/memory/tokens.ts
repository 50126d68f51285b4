import type { TokenStore } from '../../application/ports.ts'
import { accountDeleted } from '../../domain/access.ts'
import type { UserId } from '../../domain/task.ts'
import type { Token } from '../../domain/token.ts'
import { ownerOf, type State } from './state.ts'

export const tokens = (state: State): TokenStore => {
  const ofOwner = (owner: UserId): Token[] =>
    [...state.tokens.values()].filter(({ user_id }) => user_id === owner)

  return {
    create: async (token, most) => {
      if (ownerOf(state, token.user_id).deletedAt) throw accountDeleted()
      if (ofOwner(token.user_id).length >= most) return 'limit'
      state.tokens.set(token.hash, structuredClone(token))
      return 'created'
    },

    list: async (owner) => structuredClone(ofOwner(owner)),

    remove: async (owner, id) => {
      const token = ofOwner(owner).find((each) => each.id === id)
      return token !== undefined && state.tokens.delete(token.hash)
    },

    find: async (hash) => structuredClone(state.tokens.get(hash)),

    noteUses: async (uses) => {
      for (const { hash, at } of uses) {
        const token = state.tokens.get(hash)
        if (!token || (token.last_used_at ?? '') >= at) continue
        state.tokens.set(hash, { ...token, last_used_at: at })
      }
    },
  }
}
