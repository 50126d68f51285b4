import type { UserId } from '../../domain/task.ts'
import type { Token } from '../../domain/token.ts'
import type { Ports } from '../ports.ts'

/** Oldest first, expired ones too. */
export const listTokens =
  ({ tokens }: Pick<Ports, 'tokens'>) =>
  (actor: UserId): Promise<Token[]> =>
    tokens.list(actor)
