import { INSTANT_HELP, type Instant, parseInstant } from './due-date.ts'
import { DomainError, type Issue, throwIfInvalid } from './errors.ts'
import type { UserId } from './task.ts'
import { textProblem } from './text.ts'

export const SCOPES = ['tasks:read', 'tasks:write', 'tasks:delete', 'webhooks'] as const
export type Scope = (typeof SCOPES)[number]

/** What every personal token begins with, and no JSON Web Token. */
export const TOKEN_PREFIX = 'tp_'

/** A personal token. `hash` is all that is kept of its secret. */
export type Token = Readonly<{
  id: string
  user_id: UserId
  hash: string
  name: string
  scopes: readonly Scope[]
  created_at: Instant
  expires_at: Instant | null
  /** Cut to the minute. */
  last_used_at: Instant | null
}>

export const TOKENS_MAX = 50
export const TOKEN_NAME_MAX = 100

/** Without `expires_at`, or with null, a token does not expire. */
export type TokenFields = Readonly<{
  name: string
  scopes: readonly string[]
  expires_at?: string | null
}>

export const tokenIssues = (
  { name, scopes, expires_at }: Partial<TokenFields>,
  now: Instant,
): Issue[] => [
  ...issuesOf('name', name === undefined ? undefined : nameProblem(name)),
  ...issuesOf('scopes', scopes === undefined ? undefined : scopesProblem(scopes)),
  ...issuesOf('expires_at', expiryProblem(expires_at ?? null, now)),
]

const issuesOf = (field: string, detail: string | undefined): Issue[] =>
  detail === undefined ? [] : [{ field, detail }]

const nameProblem = (name: string): string | undefined =>
  textProblem(name.trim(), 1, TOKEN_NAME_MAX)

const isScope = (text: string): text is Scope => SCOPES.some((scope) => scope === text)

const scopesProblem = (scopes: readonly string[]): string | undefined =>
  scopes.length > 0 && scopes.every(isScope) ? undefined : `must be some of ${SCOPES.join(', ')}.`

const expiryProblem = (text: string | null, now: Instant): string | undefined => {
  if (text === null) return undefined
  const instant = parseInstant(text)
  if (instant === undefined) return INSTANT_HELP
  return instant > now ? undefined : 'must be in the future.'
}

/** Throws `invalid` naming every bad field. */
export const newToken = (
  { id, user_id, hash }: Pick<Token, 'id' | 'user_id' | 'hash'>,
  fields: TokenFields,
  now: Instant,
): Token => {
  throwIfInvalid(tokenIssues(fields, now))
  const { name, scopes, expires_at } = fields
  return {
    id,
    user_id,
    hash,
    name: name.trim(),
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
    created_at: now,
    expires_at: (expires_at && parseInstant(expires_at)) || null,
    last_used_at: null,
  }
}

export const isExpired = ({ expires_at }: Token, now: Instant): boolean =>
  expires_at !== null && expires_at <= now

/** The minute of a use that has to be noted; undefined when it has been. */
export const minuteToNote = ({ last_used_at }: Token, now: Instant): Instant | undefined => {
  const minute = `${now.slice(0, '2026-02-10T12:00'.length)}:00.000Z`
  return last_used_at === null || last_used_at < minute ? minute : undefined
}

/** `granted` is undefined for a user who has signed in, who may do everything. */
export const requireScope = (
  granted: readonly Scope[] | undefined,
  scope: Scope | undefined,
): void => {
  if (granted === undefined || (scope !== undefined && granted.includes(scope))) return
  const message = scope
    ? `This token lacks the scope ${scope}. Create one that has it.`
    : 'A personal token cannot do this. Sign in and send the token of your session.'
  throw new DomainError('insufficient-scope', message, { scope })
}

export const unknownToken = (): DomainError =>
  new DomainError('unauthenticated', 'The token is not valid here. Create a new one and send it.')

export const expiredToken = (): DomainError =>
  new DomainError('unauthenticated', 'The token has expired. Create a new one and send it.')

export const tokensExceeded = (): DomainError =>
  new DomainError(
    'quota-exceeded',
    `You already have ${TOKENS_MAX} tokens, the most allowed. Delete one first.`,
  )

export const tokenNotFound = (): DomainError =>
  new DomainError('not-found', 'There is no token with this id. List your tokens to see their ids.')
