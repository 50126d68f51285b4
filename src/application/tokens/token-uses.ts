import type { Instant } from '../../domain/due-date.ts'
import type { Ports, TokenUse } from '../ports.ts'

export type TokenUses = ReturnType<typeof tokenUses>

/** Uses that are not stored yet. */
export const tokenUses = () => {
  const waiting = new Map<string, Instant>()
  return {
    add: (hash: string, at: Instant): void => {
      waiting.set(hash, at)
    },
    take: (): TokenUse[] => {
      const uses = [...waiting].map(([hash, at]) => ({ hash, at }))
      waiting.clear()
      return uses
    },
  }
}

const BATCH_SIZE = 500

/** What fails is not repeated: the next use of the token is noted again. */
export const noteTokenUses =
  ({ tokens }: Pick<Ports, 'tokens'>, uses: TokenUses) =>
  async (): Promise<undefined> => {
    const taken = uses.take()
    for (let start = 0; start < taken.length; start += BATCH_SIZE) {
      await tokens.noteUses(taken.slice(start, start + BATCH_SIZE))
    }
  }
