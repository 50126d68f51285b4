import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { openAccounts } from './support/accounts.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import { PASSWORD, startServer } from './support/server.ts'

setDefaultTimeout(60_000)

const STORAGES = {
  SQLite: async () => ({ kind: 'sqlite', path: join(temporaryFolder(), 'auth.db') }) as const,
  PostgreSQL: async () => ({ kind: 'postgres', url: await freshDatabase() }) as const,
}

const ADA = 'ada@example.com'
const NEW = 'battery staple'

describe.each(Object.entries(STORAGES))('on %s', (_, storage) => {
  test('the token of a sign-up or sign-in does what its cookie does', async () => {
    const { call, signIn, signUp, close } = await openAccounts({ storage: await storage() })
    const response = await signUp(ADA)
    expect(response.headers.has('set-auth-token')).toBe(false)
    const signedUp: string = (await json(response)).token
    const bearer: string = (await json(signIn(ADA))).token
    expect(signedUp).not.toBe(bearer)
    const post = (path: string, body?: object) =>
      call('POST', path, { bearer, ...(body && { body }) })
    expect((await call('GET', '/token', { bearer: signedUp })).status).toBe(200)
    expect((await json(call('GET', '/get-session', { bearer }))).user.email).toBe(ADA)
    const list: { token: string }[] = await json(call('GET', '/list-sessions', { bearer }))
    expect(list).toHaveLength(2)
    expect((await post('/update-user', { name: 'Eve' })).status).toBe(200)
    expect((await post('/revoke-other-sessions')).status).toBe(200)
    expect((await call('GET', '/token', { bearer: signedUp })).status).toBe(401)

    const wrong = { newEmail: 'new@example.com', password: 'wrong horse' }
    expect((await post('/change-email', wrong)).status).toBe(400)
    expect((await post('/change-email', { ...wrong, password: PASSWORD })).status).toBe(200)
    const change = { currentPassword: PASSWORD, newPassword: NEW, revokeOtherSessions: true }
    const changed = await json(post('/change-password', change))
    expect((await call('GET', '/token', { bearer })).status).toBe(401)
    const next = { bearer: changed.token as string }
    expect((await call('GET', '/token', next)).status).toBe(200)
    expect((await call('POST', '/sign-out', next)).status).toBe(200)
    expect((await call('GET', '/token', next)).status).toBe(401)
    await close()
  })

  test('what a list of sessions, or the database, has is no bearer', async () => {
    const { call, signUp, close } = await openAccounts({ storage: await storage() })
    const bearer: string = (await json(signUp(ADA))).token
    const [session] = await json(call('GET', '/list-sessions', { bearer }))
    expect(bearer).toStartWith(`${session.token}.`)
    const tampered = `${session.token}.${btoa('x'.repeat(32))}`
    for (const token of [session.token, tampered, `${bearer}x`, `${bearer}.`]) {
      expect([token, (await call('GET', '/token', { bearer: token })).status]).toEqual([token, 401])
    }
    const { token } = await json(call('GET', '/token', { bearer }))
    expect((await call('GET', '/get-session', { bearer: token })).status).toBe(200)
    expect(await json(call('GET', '/get-session', { bearer: token }))).toBeNull()
    await close()
  })
})

test('without a cookie or an Origin, over a socket; and nowhere but at /api/auth', async () => {
  const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
  const signUp = await fetch(`${server.url}/api/auth/sign-up/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Ada', email: ADA, password: PASSWORD }),
  })
  const session: string = (await json(signUp)).token
  const get = (path: string, token: string) =>
    fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  expect(await json(get('/api/auth/list-sessions', session))).toHaveLength(1)
  const { token } = await json(get('/api/auth/token', session))
  expect((await get('/api/tasks', token)).status).toBe(200)
  for (const path of ['/api/tasks', '/api/changes', '/api/webhooks'])
    expect([path, (await get(path, session)).status]).toEqual([path, 401])
  const { detail } = await json(get('/api/tasks', session))
  expect(detail).toMatch(/token of a session\. Send it to \/api\/auth\/token/)
  expect((await json(get('/api/tasks', `${token}x`))).detail).toMatch(/^The token is not valid/)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
