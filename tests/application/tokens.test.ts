import { beforeEach, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { tokenSecrets } from '../../src/adapters/tokens/index.ts'
import type { App } from '../../src/application/index.ts'
import type { BackgroundJob, TokenStore, TokenUse } from '../../src/application/ports.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { appOf } from '../support/app.ts'
import { countingIds } from '../support/tasks.ts'

const FIELDS = { name: 'script', scopes: ['tasks:read'] }

let now: string
let app: App
let tokens: TokenStore
let woken: BackgroundJob[]
let noted: TokenUse[][]

beforeEach(() => {
  now = '2026-02-10T12:00:30.000Z'
  woken = []
  noted = []
  const storage = memoryStorage()
  tokens = {
    ...storage.tokens,
    noteUses: (uses) => {
      noted.push([...uses])
      return storage.tokens.noteUses(uses)
    },
  }
  const wake = (job: BackgroundJob) => void woken.push(job)
  app = appOf({ ...storage, tokens, now: () => now, newId: countingIds(), wake })
})

test('the secret is returned once, and only its hash is stored', async () => {
  const { token, secret } = await app.createToken('alice', FIELDS)
  expect(token.hash).toBe(tokenSecrets.hash(secret) ?? '')
  const stored = await app.listTokens('alice')
  expect(stored).toEqual([token])
  expect(JSON.stringify(stored)).not.toContain(secret)
})

test('a token stands for its user, with its scopes and until its expiry', async () => {
  const expires_at = '2026-02-10T12:01:00.000Z'
  const { secret } = await app.createToken('alice', { ...FIELDS, expires_at })
  expect(await app.authenticateToken(secret)).toEqual({
    user_id: 'alice',
    scopes: ['tasks:read'],
    expires_at: Date.parse(expires_at),
  })
  now = expires_at
  await expect(app.authenticateToken(secret)).rejects.toThrow('has expired')
})

test('a revoked, an unknown and a malformed one are refused; the last without a look-up', async () => {
  const { token, secret } = await app.createToken('alice', FIELDS)
  await expect(app.revokeToken('bob', token.id)).rejects.toMatchObject({ kind: 'not-found' })
  await app.revokeToken('alice', token.id)
  await expect(app.revokeToken('alice', token.id)).rejects.toMatchObject({ kind: 'not-found' })
  const find = tokens.find
  let lookUps = 0
  const counted = {
    ...tokens,
    find: (hash: string) => {
      lookUps++
      return find(hash)
    },
  }
  const other = appOf({ ...memoryStorage(), tokens: counted, now: () => now, newId: countingIds() })
  for (const text of [secret, tokenSecrets.create(), `${secret.slice(0, -1)}!`, 'tp_']) {
    await expect(other.authenticateToken(text)).rejects.toMatchObject({ kind: 'unauthenticated' })
  }
  expect(lookUps).toBe(2)
})

test('an outage is no refusal', async () => {
  const away = { ...tokens, find: () => Promise.reject(new DomainError('unavailable', 'away')) }
  const other = appOf({ ...memoryStorage(), tokens: away, now: () => now, newId: countingIds() })
  await expect(other.authenticateToken(tokenSecrets.create())).rejects.toMatchObject({
    kind: 'unavailable',
  })
})

test('uses are noted once a minute, together, and never by the request itself', async () => {
  const [one, other] = [
    await app.createToken('alice', FIELDS),
    await app.createToken('bob', FIELDS),
  ]
  for (let n = 0; n < 10; n++) {
    await app.authenticateToken(one.secret)
    await app.authenticateToken(other.secret)
  }
  expect(noted).toEqual([])
  expect(new Set(woken)).toEqual(new Set(['note-token-uses']))
  await app.noteTokenUses()
  const minute = '2026-02-10T12:00:00.000Z'
  expect(noted).toEqual([
    [
      { hash: one.token.hash, at: minute },
      { hash: other.token.hash, at: minute },
    ],
  ])
  expect((await app.listTokens('alice'))[0]?.last_used_at).toBe(minute)
  woken = []
  await app.authenticateToken(one.secret)
  await app.noteTokenUses()
  expect([woken, noted.length]).toEqual([[], 1])
  now = '2026-02-10T12:01:00.000Z'
  await app.authenticateToken(one.secret)
  await app.noteTokenUses()
  expect((await app.listTokens('alice'))[0]?.last_used_at).toBe(now)
})

test('after a failure the next use is noted again', async () => {
  const { secret } = await app.createToken('alice', FIELDS)
  const { noteUses } = tokens
  tokens = Object.assign(tokens, { noteUses: () => Promise.reject(new Error('away')) })
  await app.authenticateToken(secret)
  await expect(app.noteTokenUses()).rejects.toThrow('away')
  Object.assign(tokens, { noteUses })
  await app.authenticateToken(secret)
  await app.noteTokenUses()
  expect((await app.listTokens('alice'))[0]?.last_used_at).toBe('2026-02-10T12:00:00.000Z')
})

test('a user has at most fifty', async () => {
  for (let n = 0; n < 50; n++) await app.createToken('alice', FIELDS)
  await expect(app.createToken('alice', FIELDS)).rejects.toMatchObject({ kind: 'quota-exceeded' })
  await app.createToken('bob', FIELDS)
})
