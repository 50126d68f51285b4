import type { Token } from '../../domain/token.ts'

/** A stored token: what it is found by or that changes, and all else as JSON. */
export type TokenRow = Pick<Token, 'hash' | 'user_id' | 'id' | 'last_used_at'> &
  Readonly<{ document: string }>

type Document = Omit<Token, keyof TokenRow>

export const tokenDocument = ({ name, scopes, created_at, expires_at }: Token): string =>
  JSON.stringify({ name, scopes, created_at, expires_at } satisfies Document)

export const tokenOf = ({ document, ...keys }: TokenRow): Token => ({
  ...keys,
  ...(JSON.parse(document) as Document),
})
