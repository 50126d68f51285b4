import { describe, expect, test } from 'bun:test'
import {
  isExpired,
  minuteToNote,
  newToken,
  requireScope,
  SCOPES,
  type TokenFields,
  tokenIssues,
} from '../../src/domain/token.ts'

const NOW = '2026-02-10T12:00:30.000Z'
const KEYS = { id: 'id', user_id: 'alice', hash: 'hash' }
const tokenOf = (fields: Partial<TokenFields> = {}) =>
  newToken(KEYS, { name: 'script', scopes: ['tasks:read'], ...fields }, NOW)

test('a new token is trimmed, has each scope once in a fixed order, and its expiry in UTC', () => {
  expect(
    tokenOf({
      name: '  script ',
      scopes: ['webhooks', 'tasks:read', 'webhooks'],
      expires_at: '2026-02-10T13:30:30+01:00',
    }),
  ).toEqual({
    ...KEYS,
    name: 'script',
    scopes: ['tasks:read', 'webhooks'],
    created_at: NOW,
    expires_at: '2026-02-10T12:30:30.000Z',
    last_used_at: null,
  })
  expect(tokenOf().expires_at).toBeNull()
  expect(tokenOf({ expires_at: null }).expires_at).toBeNull()
})

test.each<[string, Partial<TokenFields>]>([
  ['name', { name: ' ' }],
  ['name', { name: 'x'.repeat(101) }],
  ['name', { name: 'a\0' }],
  ['scopes', { scopes: [] }],
  ['scopes', { scopes: ['tasks:read', 'tasks'] }],
  ['scopes', { scopes: ['caldav'] }],
  ['expires_at', { expires_at: '' }],
  ['expires_at', { expires_at: '2027-01-01' }],
  ['expires_at', { expires_at: '2027-01-01T00:00:00' }],
  ['expires_at', { expires_at: NOW }],
])('the bad field is named: %s of %j', (field, fields) => {
  expect(tokenIssues(fields, NOW).map((issue) => issue.field)).toEqual([field])
  expect(() => tokenOf(fields)).toThrow(expect.objectContaining({ kind: 'invalid' }))
})

test('a name may have 100 characters', () => {
  expect(tokenOf({ name: '👍'.repeat(100) }).name).toHaveLength(200)
})

test('a token expires at its time, not before', () => {
  const token = tokenOf({ expires_at: '2026-02-10T12:00:31Z' })
  expect(isExpired(token, '2026-02-10T12:00:30.999Z')).toBe(false)
  expect(isExpired(token, '2026-02-10T12:00:31.000Z')).toBe(true)
  expect(isExpired(tokenOf(), '9999-12-31T23:59:59.999Z')).toBe(false)
})

test('a use is noted once a minute, and not when the clock has gone back', () => {
  const token = tokenOf()
  expect(minuteToNote(token, NOW)).toBe('2026-02-10T12:00:00.000Z')
  const used = { ...token, last_used_at: '2026-02-10T12:00:00.000Z' }
  expect(minuteToNote(used, '2026-02-10T12:00:59.999Z')).toBeUndefined()
  expect(minuteToNote(used, '2026-02-10T11:59:59.999Z')).toBeUndefined()
  expect(minuteToNote(used, '2026-02-10T12:01:00.000Z')).toBe('2026-02-10T12:01:00.000Z')
})

describe('a scope', () => {
  test.each(SCOPES)('%s is granted to those who have it, and to users', (scope) => {
    expect(() => requireScope([scope], scope)).not.toThrow()
    expect(() => requireScope(undefined, scope)).not.toThrow()
    const others = SCOPES.filter((other) => other !== scope)
    const refused = { kind: 'insufficient-scope', scope }
    expect(() => requireScope(others, scope)).toThrow(expect.objectContaining(refused))
    expect(() => requireScope([], scope)).toThrow(expect.objectContaining(refused))
  })

  test('where there is none, no personal token is enough', () => {
    expect(() => requireScope(SCOPES, undefined)).toThrow(
      expect.objectContaining({ kind: 'insufficient-scope', scope: undefined }),
    )
    expect(() => requireScope(undefined, undefined)).not.toThrow()
  })
})
