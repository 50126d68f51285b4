import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { accountTraffic } from './support/account-traffic.ts'
import { cookieOf } from './support/accounts.ts'
import { temporaryFolder } from './support/folder.ts'
import { type PostgresServer, privateServer } from './support/postgres.ts'
import { silentProxy } from './support/proxy.ts'
import { PASSWORD, type RunningProcess, startServer } from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(120_000)

const AUTH_SECRET = 'a secret of the identity provider, 32 bytes'

/** From the end of a fault until everything has to work again. */
const RECOVERY_MS = 10_000

let database: PostgresServer
let url = ''

beforeAll(async () => {
  database = await privateServer()
})
afterAll(() => database.close())

const administer = async (step: (sql: postgres.Sql) => Promise<unknown>): Promise<void> => {
  const sql = postgres(database.url, { max: 1, onnotice: () => {} })
  await step(sql).finally(() => sql.end({ timeout: 1 }))
}

beforeEach(async () => {
  const name = `accounts_${Bun.randomUUIDv7().replaceAll('-', '')}`
  await administer((sql) => sql.unsafe(`create database ${name}`))
  url = new URL(`/${name}`, database.url).href
})

const start = async (address: string): Promise<RunningProcess> => {
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: address,
    AUTH_SECRET,
    TRUST_PROXY: 'x-peer',
  })
  await eventually(async () => (await fetch(`${server.url}/health/ready`)).ok, 'ready', 30_000)
  return server
}

type Traffic = ReturnType<typeof accountTraffic>

/** Passes when `kind` of response has come so many times more. */
const more = (traffic: Traffic, kind: 'done' | 'refused', times: number): Promise<unknown> => {
  const target = traffic.count[kind] + times
  const progress = () => `${times} more ${kind}: ${JSON.stringify(traffic.count)} ${traffic.wrong}`
  return eventually(() => traffic.count[kind] >= target, progress, 30_000)
}

/** Everything works again, the process has never ended, and all acknowledged accounts can sign in. */
const recover = async (server: RunningProcess, traffic: Traffic): Promise<void> => {
  const progress = () => `a visit without a refusal: ${traffic.wrong} ${server.stderr()}`
  const visit = () => traffic.stop().then(traffic.visit)
  await eventually(visit, progress, RECOVERY_MS)
  expect(traffic.wrong).toEqual([])
  expect(traffic.accounts.length).toBeGreaterThan(0)
  for (const { email } of traffic.accounts) expect(await traffic.signIn(email)).toBeDefined()
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

test('restarts of the database server', async () => {
  const server = await start(url)
  const traffic = accountTraffic(server.url)
  for (const mode of ['fast', 'crash', 'fast'] as const) {
    await more(traffic, 'done', 8)
    await database.stop(mode)
    await more(traffic, 'refused', 5)
    await database.start()
  }
  await recover(server, traffic)
})

test('backends that are terminated', async () => {
  const server = await start(url)
  const traffic = accountTraffic(server.url)
  await administer(async (sql) => {
    for (let round = 0; round < 15; round++) {
      await more(traffic, 'done', 2)
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`
    }
  })
  await recover(server, traffic)
})

test('statements that the server cancels', async () => {
  const server = await start(url)
  const traffic = accountTraffic(server.url)
  await more(traffic, 'done', 8)
  const holder = postgres(url, { max: 1 })
  await holder.begin(async (sql) => {
    await sql`lock table taskport_identity."user", taskport_identity.session`
    await administer(async (other) => {
      const end = traffic.count.refused + 10
      const cancelled = () => other`
        select pg_cancel_backend(pid) from pg_stat_activity
        where backend_type = 'client backend' and state = 'active' and wait_event_type = 'Lock'`
      await eventually(
        async () => (await cancelled()) && traffic.count.refused >= end,
        () => `${traffic.count.refused} of ${end} were refused.`,
        60_000,
      )
    })
  })
  await holder.end()
  await recover(server, traffic)
})

test('connections that are acknowledged and never carry anything again', async () => {
  const proxy = silentProxy(url)
  const server = await start(proxy.url)
  const traffic = accountTraffic(server.url, { tasks: false })
  await more(traffic, 'done', 8)
  proxy.swallow()
  await more(traffic, 'refused', 1)
  proxy.passAgain()
  await recover(server, traffic)
  proxy.close()
})

test('a database that is away, from the start and later', async () => {
  await database.stop()
  const server = await startServer(temporaryFolder(), { DATABASE_URL: url, AUTH_SECRET })
  const auth = `${server.url}/api/auth`
  const post = (path: string, body?: object, headers: Record<string, string> = {}) =>
    fetch(`${auth}${path}`, {
      method: 'POST',
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  const credentials = { email: 'ada@example.com', password: PASSWORD }
  const expectUnavailable = async (pending: Promise<Response>): Promise<void> => {
    const response = await pending
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  await expectUnavailable(post('/sign-in/email', credentials))
  const waiting = post('/sign-up/email', { ...credentials, name: 'Ada' })
  await database.start()
  const signedUp = await waiting
  expect(signedUp.status).toBe(200)

  const headers = { cookie: cookieOf(signedUp), origin: server.url }
  const read = (path: string) => fetch(`${auth}${path}`, { headers })
  await database.stop()
  for (const path of ['/token', '/get-session', '/list-sessions', '/jwks'])
    await expectUnavailable(read(path))
  await expectUnavailable(post('/sign-in/email', credentials))
  await expectUnavailable(post('/sign-up/email', { ...credentials, name: 'Ada' }))
  await expectUnavailable(post('/sign-out', undefined, headers))
  await expectUnavailable(post('/revoke-sessions', undefined, headers))
  await expectUnavailable(post('/revoke-other-sessions', undefined, headers))
  for (const [path, body] of [
    ['/delete-user', { password: PASSWORD }],
    ['/change-password', { currentPassword: PASSWORD, newPassword: 'battery staple' }],
    ['/change-email', { newEmail: 'new@example.com', password: PASSWORD }],
    ['/update-user', { name: 'Eve' }],
    ['/revoke-session', { token: 'x' }],
    ['/reset-password', { token: 'x', newPassword: 'battery staple' }],
  ] as const)
    await expectUnavailable(post(path, body, headers))
  await database.start()
  await eventually(async () => (await read('/token')).ok, 'a token', RECOVERY_MS)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
