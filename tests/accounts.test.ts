import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { identityProvider } from '../src/adapters/identity/index.ts'
import { temporaryFolder } from './support/folder.ts'
import { freshDatabase } from './support/postgres.ts'
import { enter, PASSWORD, type RunningProcess, startServer } from './support/server.ts'
import { eventually, within } from './support/wait.ts'

setDefaultTimeout(60_000)

const SECRET = 'a secret of the identity provider, 32 bytes'
const OTHER_SECRET = 'another secret of more than thirty-two bytes'

const stop = async (server: RunningProcess): Promise<void> => {
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

const post = (url: string, path: string, body: object, init: RequestInit = {}) =>
  fetch(`${url}/api/auth${path}`, {
    ...init,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...init.headers },
    body: JSON.stringify(body),
  })

/** A wrong password from a network of its own. */
const guess = (url: string, n: number, signal?: AbortSignal) =>
  post(
    url,
    '/sign-in/email',
    { email: `user-${n}@example.com`, password: 'wrong horse' },
    { headers: { 'x-peer': `2001:db8:${n.toString(16)}::1` }, ...(signal && { signal }) },
  )

const wrongPasswords = ({ lines }: RunningProcess) =>
  lines.filter(({ msg }) => msg === 'wrong password')

describe('a flood of attempts', () => {
  test('waits in a short queue; what does not fit gets 503 at once', async () => {
    const server = await startServer(temporaryFolder(), {
      DATABASE_URL: 'memory:',
      TRUST_PROXY: 'x-peer',
    })
    const responses: Response[] = []
    const flood = Array.from({ length: 60 }, async (_, n) => {
      responses.push(await guess(server.url, n))
    })
    await Promise.all(flood)
    const refused = responses.filter(({ status }) => status === 503)
    expect(responses.filter(({ status }) => status === 401).length).toBe(60 - refused.length)
    expect(responses.findIndex(({ status }) => status === 503)).toBeWithin(0, 10)
    for (const response of refused) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await response.json()).toMatchObject({
        type: 'urn:taskport:problem:unavailable',
        detail: expect.stringMatching(/Try again/),
      })
    }
    expect((await guess(server.url, 99)).status).toBe(401)
    await stop(server)
  })

  test('hashes nothing for clients that are gone', async () => {
    const server = await startServer(temporaryFolder(), {
      DATABASE_URL: 'memory:',
      TRUST_PROXY: 'x-peer',
    })
    const clients = new AbortController()
    const flood = Array.from({ length: 40 }, (_, n) =>
      guess(server.url, n, clients.signal).then(({ status }) => status),
    )
    const full = Promise.any(
      flood.map(async (status) => {
        if ((await status) !== 503) throw new Error('not refused')
      }),
    )
    await within(full, 'a full queue')
    clients.abort()
    await Promise.allSettled(flood)
    expect((await guess(server.url, 99)).status).toBe(401)
    await stop(server)
    expect(wrongPasswords(server).length).toBeLessThan(10)
  })
})

test('a wrong password is logged with the address and a hash of the account alone', async () => {
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: 'memory:',
    TRUST_PROXY: 'x-peer',
    AUTH_SECRET: SECRET,
  })
  const ada = await enter(server.url, 'sign-up', 'ada@example.com')
  const wrong = { password: 'wrong horse' }
  const at = (peer: string) => ({ headers: { 'x-peer': peer } })
  await post(server.url, '/sign-in/email', { email: 'Ada@Example.com', ...wrong }, at('192.0.2.1'))
  await post(server.url, '/sign-in/email', { email: 'eve@example.com', ...wrong }, at('192.0.2.2'))
  await post(server.url, '/delete-user', wrong, {
    headers: { 'x-peer': '[2001:db8::1]:443', cookie: ada.cookie, origin: server.url },
  })
  await enter(server.url, 'sign-in', 'ada@example.com')
  await stop(server)
  const lines = wrongPasswords(server)
  const [before, eve, after] = lines.map(({ account }) => account)
  expect(before).toMatch(/^[0-9a-f]{16}$/)
  expect(before).toBe(after as string)
  expect(before).not.toBe(eve as string)
  expect(lines.map(({ level, peer }) => [level, peer])).toEqual([
    ['info', '192.0.2.1'],
    ['info', '192.0.2.2'],
    ['info', '2001:db8::1'],
  ])
  const plain = new Bun.CryptoHasher('sha256').update('ada@example.com').digest('hex')
  const log = JSON.stringify(server.lines)
  for (const text of ['@', 'horse', plain.slice(0, 16)]) expect(log).not.toContain(text)
})

test('an unknown address costs the same hash as a wrong password', async () => {
  const provider = identityProvider({
    storage: { kind: 'memory' },
    reached: Promise.resolve(),
    issuer: 'taskport',
    audience: 'taskport',
    secret: SECRET,
    secretSource: 'AUTH_SECRET',
    baseUrl: 'http://localhost',
    origins: [],
    onDelete: async () => {},
    onError: () => {},
    onRefusal: () => {},
    onFailedAttempt: () => {},
  })
  const call = (path: string, body: object) =>
    provider.handle(
      new Request(`http://localhost/api/auth${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      '192.0.2.1',
    )
  const ada = { email: 'ada@example.com', password: PASSWORD }
  expect((await call('/sign-up/email', { ...ada, name: 'Ada' })).status).toBe(200)
  const hash = spyOn(Bun.password, 'hash')
  const verify = spyOn(Bun.password, 'verify')
  const parameters = (encoded: unknown) =>
    /\$argon2id\$.*?m=\d+,t=\d+,p=\d+/.exec(String(encoded))?.[0]
  await call('/sign-in/email', { ...ada, password: 'wrong horse' })
  await call('/sign-in/email', { ...ada, email: 'eve@example.com' })
  expect([hash.mock.calls.length, verify.mock.calls.length]).toEqual([1, 1])
  expect(parameters(await hash.mock.results[0]?.value)).toBeString()
  expect(parameters(await hash.mock.results[0]?.value)).toBe(parameters(verify.mock.calls[0]?.[1]))
  hash.mockRestore()
  verify.mockRestore()
  await provider.close()
})

describe('a secret that does not fit the signing key', () => {
  /** A folder with accounts, and its secret. */
  const used = async (env: Record<string, string> = {}) => {
    const folder = temporaryFolder()
    const server = await startServer(folder, env)
    await enter(server.url, 'sign-up', 'ada@example.com')
    await stop(server)
    return { folder, secret: join(folder, 'data/secret') }
  }

  const refusal = async (folder: string, env: Record<string, string> = {}): Promise<string> => {
    const server = await startServer(folder, env)
    expect(await server.exited).toBe(1)
    return server.stderr()
  }

  test('a lost file stops the start, and none is generated', async () => {
    const { folder, secret } = await used()
    const kept = readFileSync(secret)
    rmSync(secret)
    expect(await refusal(folder)).toMatch(/data\/secret is missing\. Restore it.*AUTH_SECRET/s)
    expect(existsSync(secret)).toBe(false)
    writeFileSync(secret, kept)
    const server = await startServer(folder)
    await enter(server.url, 'sign-in', 'ada@example.com')
    await stop(server)
  })

  test('a changed file stops the start; without the old keys it is as good as new', async () => {
    const { folder, secret } = await used()
    writeFileSync(secret, OTHER_SECRET)
    expect(await refusal(folder)).toMatch(/data\/secret is not the one.*Restore the one/s)
    const database = new Database(join(folder, 'data/auth.db'))
    database.run('delete from jwks')
    database.close()
    rmSync(secret)
    const server = await startServer(folder)
    await enter(server.url, 'sign-in', 'ada@example.com')
    await stop(server)
  })

  test('AUTH_SECRET that was changed or removed stops the start', async () => {
    const { folder, secret } = await used({ AUTH_SECRET: SECRET })
    expect(await refusal(folder, { AUTH_SECRET: OTHER_SECRET })).toMatch(
      /The secret in AUTH_SECRET is not the one/,
    )
    expect(await refusal(folder)).toMatch(/data\/secret is missing/)
    expect(existsSync(secret)).toBe(false)
  })

  describe('on PostgreSQL', () => {
    const database = async (): Promise<string> => {
      const url = await freshDatabase()
      const server = await startServer(temporaryFolder(), {
        DATABASE_URL: url,
        AUTH_SECRET: SECRET,
      })
      await eventually(async () => (await fetch(`${server.url}/health/ready`)).ok, 'ready', 30_000)
      await enter(server.url, 'sign-up', 'ada@example.com')
      await stop(server)
      return url
    }

    test.each(['1', '2'])('ends the process, with WORKERS=%s', async (WORKERS) => {
      const DATABASE_URL = await database()
      const env = { DATABASE_URL, WORKERS, AUTH_SECRET: OTHER_SECRET }
      expect(await refusal(temporaryFolder(), env)).toMatch(
        /The secret in AUTH_SECRET is not the one/,
      )
      const sql = postgres(DATABASE_URL, { max: 1 })
      const [row] = await sql`select count(*)::integer as keys from taskport_identity.jwks`
      await sql.end()
      expect(row?.['keys']).toBe(1)
    })

    test('is never ready and serves nothing', async () => {
      const { promise: refused, resolve } = Promise.withResolvers<Error>()
      const provider = identityProvider({
        storage: { kind: 'postgres', url: await database() },
        reached: Promise.resolve(),
        issuer: 'taskport',
        audience: 'taskport',
        secret: OTHER_SECRET,
        secretSource: 'AUTH_SECRET',
        baseUrl: 'http://localhost',
        origins: [],
        onDelete: async () => {},
        onError: () => {},
        onRefusal: resolve,
        onFailedAttempt: () => {},
      })
      expect((await within(refused, 'the refusal')).message).toMatch(/AUTH_SECRET/)
      for (const call of [provider.ready, provider.keys]) {
        await expect(call()).rejects.toMatchObject({ kind: 'unavailable' })
      }
      await provider.close()
    })
  })
})
