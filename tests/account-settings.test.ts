import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { cookieOf, openAccounts } from './support/accounts.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import { PASSWORD } from './support/server.ts'

setDefaultTimeout(60_000)

const STORAGES = {
  SQLite: async () => ({ kind: 'sqlite', path: join(temporaryFolder(), 'auth.db') }) as const,
  PostgreSQL: async () => ({ kind: 'postgres', url: await freshDatabase() }) as const,
}

const NEW = 'battery staple'
const ADA = 'ada@example.com'

type Accounts = Awaited<ReturnType<typeof openAccounts>>

const enter = async (accounts: Accounts, email = ADA): Promise<string> =>
  cookieOf(await accounts.signUp(email))

const again = async (accounts: Accounts, email = ADA): Promise<string> =>
  cookieOf(await accounts.signIn(email))

const tokenStatus = async ({ call }: Accounts, cookie: string): Promise<number> =>
  (await call('GET', '/token', { cookie })).status

describe.each(Object.entries(STORAGES))('on %s', (_, storage) => {
  test('a changed password replaces the old one, and ends other sessions on request', async () => {
    const accounts = await openAccounts({ storage: await storage() })
    const { call, signIn } = accounts
    const [first, second] = [await enter(accounts), await again(accounts)]
    const change = (body: object, cookie?: string) =>
      call('POST', '/change-password', { body, ...(cookie && { cookie }) })
    const wrong = await change({ currentPassword: 'wrong horse', newPassword: NEW }, first)
    expect([wrong.status, (await json(wrong)).detail]).toEqual([
      400,
      'The password is wrong. Send the current one.',
    ])
    const common = await change({ currentPassword: PASSWORD, newPassword: 'password1' }, first)
    expect((await json(common)).errors).toMatchObject([{ pointer: '/newPassword' }])
    expect((await change({ currentPassword: PASSWORD, newPassword: NEW })).status).toBe(401)
    expect((await signIn(ADA)).status).toBe(200)

    expect((await change({ currentPassword: PASSWORD, newPassword: NEW }, first)).status).toBe(200)
    expect((await signIn(ADA)).status).toBe(401)
    expect(await tokenStatus(accounts, second)).toBe(200)
    const back = { currentPassword: NEW, newPassword: PASSWORD, revokeOtherSessions: true }
    const changed = await change(back, first)
    for (const cookie of [first, second]) expect(await tokenStatus(accounts, cookie)).toBe(401)
    expect(await tokenStatus(accounts, cookieOf(changed))).toBe(200)
    expect(await json(changed)).toMatchObject({ token: expect.any(String) })
    await accounts.close()
  })

  test('a changed name is in the next token', async () => {
    const accounts = await openAccounts({ storage: await storage() })
    const cookie = await enter(accounts)
    const rename = (name: string) =>
      accounts.call('POST', '/update-user', { body: { name }, cookie })
    expect((await rename('  ')).status).toBe(400)
    expect(await json(rename(' Ada Lovelace '))).toEqual({ status: true })
    const { token } = await json(accounts.call('GET', '/token', { cookie }))
    expect(decodeJwt(token)).toMatchObject({ name: 'Ada Lovelace', email: ADA })
    expect((await accounts.call('POST', '/update-user', { body: { name: 'Eve' } })).status).toBe(
      401,
    )
    await accounts.close()
  })

  test('a changed address signs in, the old one does not; the password is asked for', async () => {
    const accounts = await openAccounts({ storage: await storage() })
    const { call, signIn, signUp } = accounts
    const cookie = await enter(accounts)
    await enter(accounts, 'bob@example.com')
    const change = (newEmail: string, password = PASSWORD) =>
      call('POST', '/change-email', { body: { newEmail, password }, cookie })
    expect((await change('new@example.com', 'wrong horse')).status).toBe(400)
    expect(await json(change('ada@b'))).toMatchObject({ errors: [{ pointer: '/newEmail' }] })
    expect(await json(change('Bob@Example.com'))).toMatchObject({
      status: 422,
      detail: 'An account with this email address exists. Sign in instead.',
    })
    expect(await json(change(ADA))).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/has this address/),
    })
    expect((await signIn(ADA)).status).toBe(200)

    expect(await json(change('New@Example.com'))).toEqual({ status: true })
    expect((await signIn('new@example.com')).status).toBe(200)
    expect((await signIn(ADA)).status).toBe(401)
    const { token } = await json(call('GET', '/token', { cookie }))
    expect(decodeJwt(token)['email']).toBe('new@example.com')
    expect((await signUp(ADA)).status).toBe(200)
    await accounts.close()
  })

  test('of two accounts that take one address at once, one succeeds', async () => {
    const accounts = await openAccounts({ storage: await storage() })
    for (let round = 0; round < 3; round++) {
      const cookies = [
        await enter(accounts, `a-${round}@example.com`),
        await enter(accounts, `b-${round}@example.com`),
      ]
      const body = { newEmail: `wanted-${round}@example.com`, password: PASSWORD }
      const responses = await Promise.all(
        cookies.map((cookie) => accounts.call('POST', '/change-email', { body, cookie })),
      )
      expect(responses.map(({ status }) => status).sort()).toEqual([200, 422])
    }
    await accounts.close()
  })

  test('sessions are listed, and one that is ended gets no token at once', async () => {
    const accounts = await openAccounts({ storage: await storage() })
    const { call } = accounts
    const [first, second] = [await enter(accounts), await again(accounts)]
    const bob = await enter(accounts, 'bob@example.com')
    const list = (cookie: string) => json(call('GET', '/list-sessions', { cookie }))
    const sessions = await list(first)
    expect(sessions).toHaveLength(2)
    expect(new Set(sessions.map(({ ipAddress }: { ipAddress: string }) => ipAddress)).size).toBe(2)
    expect(await list(bob)).toHaveLength(1)
    expect((await call('GET', '/list-sessions')).status).toBe(401)
    const { session } = await json(call('GET', '/get-session', { cookie: second }))
    expect(sessions).toContainEqual(session)

    const revoke = (cookie: string) =>
      call('POST', '/revoke-session', { body: { token: session.token }, cookie })
    expect((await revoke(bob)).status).toBe(200)
    expect(await tokenStatus(accounts, second)).toBe(200)
    expect(await json(revoke(first))).toEqual({ status: true })
    expect(await tokenStatus(accounts, second)).toBe(401)
    expect(await tokenStatus(accounts, first)).toBe(200)
    await accounts.close()
  })

  test('all other sessions, or all, are ended together', async () => {
    const accounts = await openAccounts({ storage: await storage() })
    const cookies = [await enter(accounts), await again(accounts), await again(accounts)]
    const bob = await enter(accounts, 'bob@example.com')
    const [first = ''] = cookies
    const statuses = () => Promise.all(cookies.map((cookie) => tokenStatus(accounts, cookie)))
    const post = (path: string) => accounts.call('POST', path, { cookie: first })
    expect(await json(post('/revoke-other-sessions'))).toEqual({ status: true })
    expect(await statuses()).toEqual([200, 401, 401])
    expect(await json(post('/revoke-sessions'))).toEqual({ status: true })
    expect(await statuses()).toEqual([401, 401, 401])
    expect(await tokenStatus(accounts, bob)).toBe(200)
    await accounts.close()
  })
})

test('wrong passwords are counted for the account, whatever they are sent to', async () => {
  const failed: string[] = []
  const accounts = await openAccounts({
    storage: { kind: 'memory' },
    onFailedAttempt: ({ account }) => failed.push(account),
  })
  const cookie = await enter(accounts)
  const tries = [
    ['/change-password', { currentPassword: 'wrong horse', newPassword: NEW }],
    ['/change-email', { newEmail: 'new@example.com', password: 'wrong horse' }],
    ['/delete-user', { password: 'wrong horse' }],
  ] as const
  for (const [path, body] of tries)
    expect((await accounts.call('POST', path, { body, cookie })).status).toBe(400)
  await accounts.call('POST', '/sign-in/email', { body: { email: ADA, password: 'wrong horse' } })
  expect(failed).toHaveLength(4)
  expect(new Set(failed).size).toBe(1)
  await accounts.close()
})
