import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthClient } from 'better-auth/client'
import { jwtClient } from 'better-auth/client/plugins'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import postgres from 'postgres'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import {
  type Account,
  enter,
  PASSWORD,
  type RunningProcess,
  SHARED,
  startServer,
} from './support/server.ts'
import { onPostgres, SERVER_STORAGES } from './support/storages.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

const AUTH_SECRET = 'a secret of the identity provider, 32 bytes'

const open = (address: string, { token }: Pick<Account, 'token'>) =>
  fetch(address, { headers: { authorization: `Bearer ${token}` } })

const create = (url: string, { token }: Account, title: string) =>
  fetch(`${url}/api/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ title }),
  })

const post = (url: string, path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/api/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const stop = async (server: RunningProcess): Promise<void> => {
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

const ready = async ({ url }: RunningProcess): Promise<void> => {
  await eventually(async () => (await fetch(`${url}/health/ready`)).ok, 'ready', 30_000)
}

const onServer = async (settings: () => Promise<Readonly<Record<string, string>>>) => {
  const env: Record<string, string> = { ...(await settings()), AUTH_SECRET }
  const count = async (table: string): Promise<number> => {
    const sql = postgres(env['DATABASE_URL'] ?? '', { max: 1 })
    const [row] =
      await sql`select count(*)::integer as count from ${sql(`taskport_identity.${table}`)}`
    await sql.end()
    return row?.['count']
  }
  return { folder: temporaryFolder(), env, count }
}

const { Citus } = SERVER_STORAGES

/** Where each storage has its accounts, with direct access to their tables. */
const STORAGES = {
  SQLite: async () => {
    const folder = temporaryFolder()
    const count = async (table: string): Promise<number> => {
      const db = new Database(join(folder, 'data/auth.db'))
      const row = db.query<{ count: number }, []>(`select count(*) as count from "${table}"`).get()
      db.close()
      return row?.count ?? 0
    }
    return { folder, env: {} as Record<string, string>, count }
  },
  PostgreSQL: () => onServer(onPostgres),
  ...(Citus && { Citus: () => onServer(Citus) }),
}

describe.each(Object.entries(STORAGES))('on %s', (_, storage) => {
  test('sign up, token, task, sign out, sign in, with plain HTTP', async () => {
    const { folder, env } = await storage()
    const server = await startServer(folder, env)
    await ready(server)
    const ada = await enter(server.url, 'sign-up', 'Ada@Example.com')
    const claims = decodeJwt(ada.token)
    expect(Object.keys(claims).sort()).toEqual(['aud', 'email', 'exp', 'iat', 'iss', 'name', 'sub'])
    expect(claims).toMatchObject({
      sub: ada.userId,
      iss: 'taskport',
      aud: 'taskport',
      email: 'ada@example.com',
      name: 'Ada',
    })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(900)
    expect(decodeProtectedHeader(ada.token).alg).toBe('EdDSA')
    expect(await json(create(server.url, ada, 'of Ada'))).toMatchObject({
      user_id: ada.userId,
      revision: 1,
    })

    const signedOut = await post(
      server.url,
      '/sign-out',
      {},
      { cookie: ada.cookie, origin: server.url },
    )
    expect(signedOut.status).toBe(200)
    const { cookie } = ada
    expect(
      await json(fetch(`${server.url}/api/auth/get-session`, { headers: { cookie } })),
    ).toBeNull()
    expect((await fetch(`${server.url}/api/auth/token`, { headers: { cookie } })).status).toBe(401)

    const again = await enter(server.url, 'sign-in', 'ada@example.com')
    expect(again.userId).toBe(ada.userId)
    expect(await json(open(`${server.url}/api/tasks`, again))).toMatchObject([{ title: 'of Ada' }])
    const bob = await enter(server.url, 'sign-up', 'bob@example.com')
    expect(await json(open(`${server.url}/api/tasks`, bob))).toEqual([])
    await stop(server)
  })

  test('a restart keeps users, sessions and keys', async () => {
    const { folder, env, count } = await storage()
    const first = await startServer(folder, env)
    await ready(first)
    const ada = await enter(first.url, 'sign-up', 'ada@example.com')
    await create(first.url, ada, 'kept')
    await stop(first)
    const second = await startServer(folder, env)
    await ready(second)
    expect(await json(open(`${second.url}/api/tasks`, ada))).toMatchObject([{ title: 'kept' }])
    const { token } = await json(
      fetch(`${second.url}/api/auth/token`, { headers: { cookie: ada.cookie } }),
    )
    expect(decodeProtectedHeader(token)).toEqual(decodeProtectedHeader(ada.token))
    expect((await enter(second.url, 'sign-in', 'ada@example.com')).userId).toBe(ada.userId)
    expect(await count('jwks')).toBe(1)
    await stop(second)
  })

  test('deleting an account deletes its tasks, and asks for the password', async () => {
    const { folder, env, count } = await storage()
    const server = await startServer(folder, env)
    await ready(server)
    const [ada, bob] = [
      await enter(server.url, 'sign-up', 'ada@example.com'),
      await enter(server.url, 'sign-up', 'bob@example.com'),
    ]
    await create(server.url, ada, 'of Ada')
    await create(server.url, bob, 'of Bob')
    const session = { cookie: ada.cookie, origin: server.url }
    const remove = (password: string, headers: Record<string, string>) =>
      post(server.url, '/delete-user', { password }, headers)
    expect((await remove(PASSWORD, {})).status).toBe(401)
    expect(
      (await remove(PASSWORD, { ...session, origin: 'https://evil.example.com' })).status,
    ).toBe(403)
    expect((await remove('wrong horse', session)).status).toBe(400)
    expect(await json(open(`${server.url}/api/tasks`, ada))).toHaveLength(1)

    expect((await remove(PASSWORD, session)).status).toBe(200)
    expect(await json(open(`${server.url}/api/tasks`, ada))).toEqual([])
    const webhook = { url: 'https://hooks.example.com/', events: ['task.changed'] }
    for (const [path, body] of [
      ['/api/tasks', { title: 'too late' }],
      ['/api/webhooks', webhook],
    ] as const) {
      const late = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect([late.status, late.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer error="invalid_token"',
      ])
    }
    expect(await json(open(`${server.url}/api/tasks`, bob))).toMatchObject([{ title: 'of Bob' }])
    await expect(enter(server.url, 'sign-in', 'ada@example.com')).rejects.toThrow('401')
    expect([await count('user'), await count('account'), await count('session')]).toEqual([1, 1, 1])
    expect((await enter(server.url, 'sign-up', 'ada@example.com')).userId).not.toBe(ada.userId)
    await stop(server)
  })

  test('kill -9 among sign-ups leaves nothing half-made', async () => {
    const { folder, env, count } = await storage()
    const acknowledged: Account[] = []
    let tried = 0
    for (let round = 0; round < 3; round++) {
      const server = await startServer(folder, { ...env, TRUST_PROXY: 'x-peer' })
      await ready(server)
      const enough = acknowledged.length + 3
      const visitor = async (): Promise<void> => {
        for (;;) {
          const email = `visitor-${tried++}@example.com`
          const body = { name: email, email, password: PASSWORD }
          const response = await post(server.url, '/sign-up/email', body, {
            'x-peer': `10.0.${tried >> 8}.${tried & 255}`,
          }).catch(() => undefined)
          const account = response?.ok ? await json(response).catch(() => undefined) : undefined
          if (!account) return
          acknowledged.push({ userId: account.user.id, token: email, cookie: '' })
        }
      }
      const visitors = Array.from({ length: 6 }, visitor)
      await eventually(() => acknowledged.length >= enough, `${enough} sign-ups`, 30_000)
      server.signal('SIGKILL')
      await Promise.all([server.exited, ...visitors])
    }
    const server = await startServer(folder, { ...env, TRUST_PROXY: 'x-peer' })
    await ready(server)
    expect(await count('account')).toBe(await count('user'))
    expect(await count('user')).toBeGreaterThanOrEqual(acknowledged.length)
    for (const [n, { userId, token: email }] of acknowledged.entries()) {
      const response = await post(
        server.url,
        '/sign-in/email',
        { email, password: PASSWORD },
        { 'x-peer': `10.8.0.${n}` },
      )
      expect((await json(response)).user.id).toBe(userId)
    }
    for (let n = 0; n < tried; n++) {
      const email = `visitor-${n}@example.com`
      const way = await post(
        server.url,
        '/sign-up/email',
        { name: 'x', email, password: PASSWORD },
        { 'x-peer': `10.9.0.${n}` },
      )
      expect([200, 422]).toContain(way.status)
    }
    await stop(server)
  })
})

describe('on PostgreSQL', () => {
  test('four processes that start at once come up with one key, and share users', async () => {
    const { env, count } = await onServer(async () => ({ DATABASE_URL: await freshDatabase() }))
    const servers = await Promise.all(
      Array.from({ length: 4 }, () => startServer(temporaryFolder(), env)),
    )
    await Promise.all(servers.map(ready))
    expect(await count('jwks')).toBe(1)
    const [first, ...others] = servers as [RunningProcess, ...RunningProcess[]]
    const ada = await enter(first.url, 'sign-up', 'ada@example.com')
    await create(first.url, ada, 'shared')
    for (const { url } of others) {
      expect(await json(open(`${url}/api/tasks`, ada))).toMatchObject([{ title: 'shared' }])
      expect((await enter(url, 'sign-in', 'ada@example.com')).userId).toBe(ada.userId)
    }
    await Promise.all(servers.map(stop))
  })

  test('the secret must be given, and the message says how', async () => {
    const server = await startServer(temporaryFolder(), { DATABASE_URL: await freshDatabase() })
    expect(await server.exited).toBe(1)
    expect(server.stderr()).toMatch(/AUTH_SECRET must be set.*openssl rand -base64 32/)
  })
})

test('with the client of the library', async () => {
  const server = await startServer(temporaryFolder())
  let cookie = ''
  const client = createAuthClient({
    baseURL: server.url,
    plugins: [jwtClient()],
    fetchOptions: {
      customFetchImpl: async (input, init) => {
        const headers = new Headers(init?.headers)
        headers.set('origin', server.url)
        if (cookie) headers.set('cookie', cookie)
        const response = await fetch(input, { ...init, headers })
        const set = response.headers.getSetCookie().map((line) => line.split(';')[0])
        if (set.length > 0) cookie = set.join('; ')
        return response
      },
    },
  })
  const up = await client.signUp.email({
    name: 'Ada',
    email: 'ada@example.com',
    password: PASSWORD,
  })
  expect(up.error).toBeNull()
  expect((await client.getSession()).data?.user.id).toBe(up.data?.user.id as string)
  const { data } = await client.token()
  expect(await json(open(`${server.url}/api/tasks`, { token: data?.token ?? '' }))).toEqual([])
  expect((await client.signOut()).error).toBeNull()
  expect((await client.getSession()).data).toBeNull()
  const wrong = await client.signIn.email({ email: 'ada@example.com', password: 'wrong horse' })
  expect(wrong.error).toMatchObject({ status: 401, code: 'INVALID_EMAIL_OR_PASSWORD' })
  expect(wrong.error?.message).toBeString()
  expect(
    (await client.signIn.email({ email: 'ada@example.com', password: PASSWORD })).data?.user.name,
  ).toBe('Ada')
  expect((await client.deleteUser({ password: PASSWORD })).error).toBeNull()
  await stop(server)
})

describe('what is refused', () => {
  test('everything else that the library can do', async () => {
    const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
    const { cookie } = await enter(server.url, 'sign-up', 'ada@example.com')
    const headers = { cookie, origin: server.url }
    for (const path of [
      '/ok',
      '/error',
      '/sign-up',
      '/link-social',
      '/reset-password/x',
      '/callback/github',
      '/delete-user/callback',
      '/unlink-account',
      '/list-accounts',
      '/get-access-token',
      '/update-session',
      '/verify-password',
    ]) {
      for (const method of ['GET', 'POST']) {
        const response = await fetch(`${server.url}/api/auth${path}`, { method, headers })
        expect([path, response.status]).toEqual([path, 404])
      }
    }
    expect((await fetch(`${server.url}/api/auth/sign-in/email`)).status).toBe(405)
    await stop(server)
  })

  test('invalid input, with the fields named; nothing is created', async () => {
    const server = await startServer(temporaryFolder(), {
      DATABASE_URL: 'memory:',
      TRUST_PROXY: 'x-peer',
    })
    const good = { name: 'Ada', email: 'ada@example.com', password: PASSWORD }
    const bad: [body: object, pointers: string[]][] = [
      [{}, ['/email', '/name', '/password']],
      [{ ...good, email: 'ada' }, ['/email']],
      [{ ...good, email: 'ada@b' }, ['/email']],
      [{ ...good, email: 'a\0da@example.com' }, ['/email']],
      [{ ...good, email: `${'a'.repeat(300)}@example.com` }, ['/email']],
      [{ ...good, name: '  ' }, ['/name']],
      [{ ...good, name: 'a\ud800' }, ['/name']],
      [{ ...good, name: 'x'.repeat(101) }, ['/name']],
      [{ ...good, password: 'short' }, ['/password']],
      [{ ...good, password: 'x'.repeat(129) }, ['/password']],
      [{ ...good, password: 12345678 }, ['/password']],
      [
        { ...good, role: 'admin', emailVerified: true, id: 'mine' },
        ['/emailVerified', '/id', '/role'],
      ],
      [{ ...good, rememberMe: 'yes' }, ['/rememberMe']],
    ]
    for (const [n, [body, pointers]] of bad.entries()) {
      const response = await post(server.url, '/sign-up/email', body, { 'x-peer': `10.0.0.${n}` })
      expect(response.status).toBe(400)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      const { errors } = await json(response)
      expect(errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(pointers)
    }
    const form = await fetch(`${server.url}/api/auth/sign-up/email`, {
      method: 'POST',
      body: new URLSearchParams(good),
    })
    expect(form.status).toBe(415)
    const signIn = await post(server.url, '/sign-in/email', {
      email: good.email,
      password: good.password,
    })
    expect(signIn.status).toBe(401)
    await enter(server.url, 'sign-up', good.email)
    const twice = await post(server.url, '/sign-up/email', { ...good, email: 'ADA@example.com' })
    expect([twice.status, (await json(twice)).type]).toEqual([
      422,
      'urn:taskport:problem:already-exists',
    ])
    await stop(server)
  })

  test('an unknown address and a wrong password get the same response', async () => {
    const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
    await enter(server.url, 'sign-up', 'ada@example.com')
    const responses = await Promise.all(
      ['ada@example.com', 'eve@example.com'].map(async (email) => {
        const response = await post(server.url, '/sign-in/email', {
          email,
          password: 'wrong horse',
        })
        const headers = Object.fromEntries(response.headers)
        return {
          status: response.status,
          headers: { ...headers, 'x-request-id': '', date: '' },
          body: await response.text(),
        }
      }),
    )
    expect(responses[0]?.status).toBe(401)
    expect(responses[0]).toEqual(responses[1] as never)
    await stop(server)
  })

  test('tokens of others, and session cookies as tokens', async () => {
    const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
    const other = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
    const { cookie } = await enter(server.url, 'sign-up', 'ada@example.com')
    const foreign = await enter(other.url, 'sign-up', 'ada@example.com')
    const session = decodeURIComponent(cookie.split('=')[1] ?? '')
    for (const token of [foreign.token, session, session.split('.')[0] ?? '']) {
      expect((await open(`${server.url}/api/tasks`, { token })).status).toBe(401)
    }
    await Promise.all([stop(server), stop(other)])
  })
})

test.each(['::1', '::', '[::1]'])('HOST=%s: sign up, token and tasks over IPv6', async (HOST) => {
  const server = await startServer(temporaryFolder(), { HOST, DATABASE_URL: 'memory:' })
  expect(server.stderr()).not.toContain('Invalid base URL')
  const url = `http://[::1]:${new URL(server.url).port}`
  const ada = await enter(url, 'sign-up', 'ada@example.com')
  expect((await create(url, ada, 'of Ada')).status).toBe(201)
  await stop(server)
})

test('an error of the library is logged with its message', async () => {
  const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
  const { cookie } = await enter(server.url, 'sign-up', 'ada@example.com')
  const foreign = { cookie, origin: 'https://evil.example.com' }
  expect((await post(server.url, '/sign-out', {}, foreign)).status).toBe(403)
  await stop(server)
  const logged = server.lines.filter(({ msg }) => msg === 'identity provider')
  expect(logged.length).toBeGreaterThan(0)
  for (const { error } of logged) {
    expect(error).toMatchObject({ name: 'Error', message: expect.stringMatching(/origin/i) })
  }
})

test.each(['', '\n', 'too short'])('a secret that is %j stops the start', async (secret) => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data/secret'), secret)
  const server = await startServer(folder)
  expect(await server.exited).toBe(1)
  expect(server.stderr()).toMatch(
    /data\/secret must have at least 32 bytes.*Restore it from a backup/s,
  )
  expect(readFileSync(join(folder, 'data/secret'), 'utf8')).toBe(secret)
})

describe('attempts are limited', () => {
  const attempt = (url: string, headers: Record<string, string>, path = '/sign-in/email') =>
    post(
      url,
      path,
      {
        name: 'x',
        email: 'ada@example.com',
        password: 'wrong horse',
        ...(path === '/sign-in/email' && { name: undefined }),
      },
      headers,
    )

  test.each(['/sign-in/email', '/sign-up/email'])(
    '%s by the real address, whatever the client claims',
    async (path) => {
      const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
      const statuses: number[] = []
      for (let n = 0; n < 12; n++) {
        const claimed = `203.0.113.${n}`
        const headers = {
          'x-forwarded-for': claimed,
          'x-real-ip': claimed,
          forwarded: `for=${claimed}`,
          'x-taskport-peer': claimed,
        }
        const response = await attempt(server.url, headers, path)
        statuses.push(response.status)
        if (response.status !== 429) continue
        expect(response.headers.get('content-type')).toBe('application/problem+json')
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
        expect((await json(response)).type).toBe('urn:taskport:problem:too-many-requests')
      }
      expect(statuses.slice(0, 10)).not.toContain(429)
      expect(statuses.slice(10)).toEqual([429, 429])
      await stop(server)
    },
  )

  test('by the address that the trusted proxy has added', async () => {
    const server = await startServer(temporaryFolder(), {
      DATABASE_URL: 'memory:',
      TRUST_PROXY: 'X-Forwarded-For',
    })
    for (let n = 0; n < 11; n++) {
      const spoofed = await attempt(server.url, {
        'x-forwarded-for': `203.0.113.${n}, 198.51.100.1`,
      })
      expect(spoofed.status).toBe(n < 10 ? 401 : 429)
    }
    expect(
      (await attempt(server.url, { 'x-forwarded-for': '203.0.113.1, 198.51.100.2' })).status,
    ).toBe(401)
    await stop(server)
  })
})

test('without this mode none of its packages is loaded', async () => {
  const spy = ['--preload', join(import.meta.dir, 'support/loaded-packages.ts')]
  const packagesOf = async (env: Record<string, string>): Promise<string> => {
    const server = await startServer(temporaryFolder(), env, spy)
    server.signal('SIGUSR2')
    await eventually(() => /loaded: .* \.\n/.test(server.stderr()), 'the packages are listed')
    await stop(server)
    return server.stderr()
  }
  const mine = /better-auth|kysely|better-call|@noble/
  const builtIn = await packagesOf({})
  expect(builtIn).toMatch(mine)
  expect(builtIn).not.toMatch(/nodemailer/)
  const mail = { SMTP_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'tasks@example.com' }
  expect(await packagesOf(mail)).toMatch(/nodemailer/)
  expect(await packagesOf(SHARED)).not.toMatch(mine)
  expect(await packagesOf({ AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks' })).not.toMatch(mine)
})
