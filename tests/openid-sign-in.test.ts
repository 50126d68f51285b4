import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { cookieOf, openAccounts } from './support/accounts.ts'
import { temporaryFolder } from './support/folder.ts'
import { freePort } from './support/free-port.ts'
import { json } from './support/http.ts'
import { CLIENT, type OpenIdProvider, startOpenIdProvider } from './support/openid-provider.ts'
import { freshDatabase } from './support/postgres.ts'
import { enter, PASSWORD, startServer } from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

const STORAGES = {
  SQLite: async () => ({ kind: 'sqlite', path: join(temporaryFolder(), 'auth.db') }) as const,
  PostgreSQL: async () => ({ kind: 'postgres', url: await freshDatabase() }) as const,
}

const HOME = 'http://localhost/home'

let provider: OpenIdProvider
beforeAll(async () => {
  provider = await startOpenIdProvider('http://localhost/api/auth/callback/oidc')
})
afterAll(() => provider.close())

type Options = Partial<Parameters<typeof openAccounts>[0]>

const open = async (storage: Parameters<typeof openAccounts>[0]['storage'], options?: Options) => {
  const oidc = {
    issuer: provider.issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    name: 'Example',
  }
  const accounts = await openAccounts({ storage, oidc, ...options })
  const begin = (body: object = {}) =>
    accounts.call('POST', '/sign-in/social', {
      body: { provider: 'oidc', callbackURL: HOME, ...body },
    })
  await eventually(async () => (await begin()).ok, 'the provider is known')
  /** As `person`; returns the response that the browser gets when it comes back. */
  const enterAs = async (person: Partial<OpenIdProvider['person']>): Promise<Response> => {
    Object.assign(provider.person, person)
    const started = await begin()
    const cookie = cookieOf(started)
    return accounts.call('GET', await provider.signIn((await json(started)).url), { cookie })
  }
  return { ...accounts, begin, enterAs }
}

const ADA = { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada' }

const target = (response: Response) => [response.status, response.headers.get('location')]

describe.each(Object.entries(STORAGES))('on %s', (_, storage) => {
  test('a person signs in with the provider, and again, and gets tokens', async () => {
    const { call, enterAs, users, close } = await open(await storage())
    const first = await enterAs(ADA)
    expect(target(first)).toEqual([302, HOME])
    const cookie = cookieOf(first)
    expect((await call('GET', '/token', { cookie })).status).toBe(200)
    const again = await enterAs({ ...ADA, email: 'renamed@example.com' })
    expect(target(again)).toEqual([302, HOME])
    expect(await users.list()).toMatchObject([{ name: 'Ada', email: ADA.email }])
    const { providers } = await json(call('GET', '/methods'))
    expect(providers).toEqual([{ id: 'oidc', name: 'Example' }])
    await close()
  })

  test('the account is deleted without a password, which it has none of', async () => {
    const deleted: string[] = []
    const { call, enterAs, users, close } = await open(await storage(), {
      onDelete: async (id) => void deleted.push(id),
    })
    const cookie = cookieOf(await enterAs(ADA))
    expect((await call('POST', '/delete-user', { body: {}, cookie })).status).toBe(200)
    expect(deleted).toHaveLength(1)
    expect(await users.list()).toEqual([])
    expect(target(await enterAs(ADA))).toEqual([302, HOME])
    await close()
  })

  test('no one takes over an account with an unverified address', async () => {
    const { enterAs, signUp, signIn, users, close } = await open(await storage())
    await signUp(ADA.email)
    const refused = await enterAs(ADA)
    expect(target(refused)).toEqual([302, 'http://localhost/account?error=account_not_linked'])
    expect((await signIn(ADA.email)).status).toBe(200)
    await users.create({ name: 'Bob', email: 'bob@example.com', password: PASSWORD })
    const bob = { sub: 'bob', email: 'bob@example.com', name: 'Bob' }
    expect(target(await enterAs({ ...bob, email_verified: false }))[1]).toMatch(/not_linked/)
    expect(target(await enterAs({ ...bob, email_verified: true }))).toEqual([302, HOME])
    expect(await users.list()).toHaveLength(2)
    await close()
  })

  test('SIGN_UP applies: with `first` the second person is refused', async () => {
    const { enterAs, close } = await open(await storage(), { signUp: 'first' })
    expect(target(await enterAs(ADA))).toEqual([302, HOME])
    const second = await enterAs({ sub: 'eve', email: 'eve@example.com' })
    expect(target(second)[1]).toMatch(/^http:\/\/localhost\/account\?error=SIGN_UP_CLOSED/)
    expect(target(await enterAs(ADA))).toEqual([302, HOME])
    await close()
  })

  test('instead of passwords', async () => {
    const { call, enterAs, signIn, signUp, close } = await open(await storage(), {
      passwords: false,
    })
    for (const response of [await signUp(ADA.email), await signIn(ADA.email)]) {
      expect([response.status, await json(response)]).toMatchObject([
        403,
        { detail: 'Accounts have no passwords here. Sign in with the provider.' },
      ])
    }
    expect((await json(call('GET', '/methods'))).password).toBe(false)
    expect(target(await enterAs(ADA))).toEqual([302, HOME])
    await close()
  })
})

test('a callback that was not asked for by this browser is refused', async () => {
  const { begin, call, close } = await open({ kind: 'memory' })
  const started = await begin()
  const back = await provider.signIn((await json(started)).url)
  const stolen = await call('GET', back)
  expect(target(stolen)[1]).toMatch(/^http:\/\/localhost\/account\?error=state_mismatch/)
  expect(stolen.headers.getSetCookie().join()).not.toContain('session_token')
  const foreign = await begin({ callbackURL: 'https://evil.example.com/' })
  expect(foreign.status).toBe(403)
  expect((await begin({ provider: 'github' })).status).toBe(404)
  await close()
})

test('a provider that is away at the start does not hold the server up, and is found later', async () => {
  const port = freePort()
  const issuer = `http://127.0.0.1:${port}`
  const serverPort = freePort()
  const url = `http://127.0.0.1:${serverPort}`
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: 'memory:',
    PORT: `${serverPort}`,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: CLIENT.id,
    OIDC_CLIENT_SECRET: CLIENT.secret,
  })
  const begin = () =>
    fetch(`${url}/api/auth/sign-in/social`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ provider: 'oidc', callbackURL: '/account?verified=true' }),
    })
  await enter(url, 'sign-up', 'eve@example.com')
  const away = await begin()
  expect([away.status, Number(away.headers.get('retry-after')) > 0]).toEqual([503, true])
  const late = await startOpenIdProvider(`${url}/api/auth/callback/oidc`, port)
  const started = await eventually(
    async () => {
      const response = await begin()
      return response.ok ? response : undefined
    },
    'the provider is known',
    30_000,
  )
  const cookie = cookieOf(started as Response)
  const back = await late.signIn((await json(started as Response)).url)
  const entered = await fetch(back, { headers: { cookie }, redirect: 'manual' })
  expect(entered.headers.get('location')).toBe('/account?verified=true')
  const headers = { cookie: cookieOf(entered) }
  const { token } = await json(fetch(`${url}/api/auth/token`, { headers }))
  const tasks = await fetch(`${url}/api/tasks`, { headers: { authorization: `Bearer ${token}` } })
  expect(tasks.status).toBe(200)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
  await late.close()
})
