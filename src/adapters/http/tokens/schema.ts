import { Type as t } from '@sinclair/typebox'
import { SCOPES, TOKEN_NAME_MAX, type Token, type TokenFields } from '../../../domain/token.ts'
import { nullable, references, timestamp } from '../openapi/schema.ts'
import { bodyReader, type FieldCheck } from '../transport/body-reader.ts'

const strict = { additionalProperties: false }

const name = t.String({ minLength: 1, maxLength: TOKEN_NAME_MAX, examples: ['backup script'] })
const scopes = t.Array(t.Union(SCOPES.map((scope) => t.Literal(scope))), {
  minItems: 1,
  description:
    'tasks:read: tasks, changes and events. tasks:write: creating and changing tasks, which returns them. tasks:delete: deleting tasks. webhooks: webhooks, which are sent all changes.',
})
const expires_at = nullable(timestamp)

const TokenDraftSchema = t.Object({ name, scopes, expires_at: t.Optional(expires_at) }, strict)

const fields = {
  id: t.String({ format: 'uuid' }),
  name,
  scopes,
  created_at: timestamp,
  last_used_at: t.Unsafe<string | null>({
    ...expires_at,
    description: 'The minute in which it was last used.',
  }),
  expires_at,
}

const TokenSchema = t.Object(fields, strict)

const NewTokenSchema = t.Object(
  { ...fields, token: t.String({ description: 'The token itself; only in this response.' }) },
  strict,
)

const EXPECTATIONS = {
  name: 'must be a string.',
  scopes: `must be an array of ${SCOPES.join(', ')}.`,
  expires_at: 'must be a time with its offset, or null.',
}

export const tokenDraftBody = (check: FieldCheck) => {
  const { read } = bodyReader(
    t.Object(
      {
        name: t.String(),
        scopes: t.Array(t.String()),
        expires_at: t.Optional(nullable(t.String())),
      },
      strict,
    ),
    EXPECTATIONS,
    check,
  )
  return (body: unknown): TokenFields => read(body) as TokenFields
}

/** The secret is included only when it is new. */
export const serializeToken = (
  { id, name, scopes, created_at, last_used_at, expires_at }: Token,
  secret?: string,
) => ({
  id,
  name,
  scopes,
  created_at,
  last_used_at,
  expires_at,
  ...(secret !== undefined && { token: secret }),
})

export const tokenSchemas = {
  Token: TokenSchema,
  NewToken: NewTokenSchema,
  TokenDraft: TokenDraftSchema,
}

export const tokenRef = references(tokenSchemas)
