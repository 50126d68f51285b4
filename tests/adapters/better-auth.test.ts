import { afterAll, beforeAll, expect, test } from 'bun:test'
import { decodeProtectedHeader } from 'jose'
import { keySetVerifier } from '../../src/adapters/jwt/key-set.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { outcome } from '../contracts/token-verifier.ts'
import { json, openHttp } from '../support/http.ts'
import { startIssuer } from '../support/issuer.ts'

let issuer: Awaited<ReturnType<typeof startIssuer>>
beforeAll(async () => {
  issuer = await startIssuer()
})
afterAll(() => issuer?.stop())

test('the token of a user who signed up with Better Auth is accepted for that user', async () => {
  const { userId, token } = await issuer.signUp('alice@example.com')
  expect(decodeProtectedHeader(token).alg).toBe('EdDSA')
  const expected = { url: issuer.jwksUrl, issuer: issuer.issuer, audience: issuer.audience }
  expect(await outcome(keySetVerifier(expected), token)).toBe(userId)
  expect(await outcome(keySetVerifier({ ...expected, audience: 'other' }), token)).toBe('invalid')
  expect(await outcome(keySetVerifier({ ...expected, issuer: 'https://other' }), token)).toBe(
    'invalid',
  )
})

test("two users work with their own tasks and not with each other's", async () => {
  const [bob, carol] = await Promise.all([
    issuer.signUp('bob@example.com'),
    issuer.signUp('carol@example.com'),
  ])
  const verify = keySetVerifier({
    url: issuer.jwksUrl,
    issuer: issuer.issuer,
    audience: issuer.audience,
  })
  const { call } = openHttp(memoryStorage().tasks, { verify })
  const task = await json(call('POST', '/api/tasks', { as: bob.token, body: { title: 'of Bob' } }))
  expect(task.user_id).toBe(bob.userId)
  expect(await json(call('GET', '/api/tasks', { as: bob.token }))).toEqual([task])
  expect(await json(call('GET', '/api/tasks', { as: carol.token }))).toEqual([])
  expect((await call('GET', `/api/tasks/${task.id}`, { as: carol.token })).status).toBe(403)
})
