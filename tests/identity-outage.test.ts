import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { accountTraffic } from './support/account-traffic.ts'
import { temporaryFolder } from './support/folder.ts'
import { type PostgresServer, privateServer } from './support/postgres.ts'
import { silentProxy } from './support/proxy.ts'
import { type RunningProcess, startServer } from './support/server.ts'
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
  await eventually(() => traffic.visit(), progress, RECOVERY_MS)
  await traffic.stop()
  expect(traffic.wrong).toEqual([])
  expect(traffic.acknowledged.length).toBeGreaterThan(0)
  for (const email of traffic.acknowledged) {
    expect((await traffic.signIn(email)).outcome).toBe('done')
  }
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

test.each(['fast', 'crash'] as const)('restarts of the database server (%s)', async (mode) => {
  const server = await start(url)
  const traffic = accountTraffic(server.url)
  for (let round = 0; round < 3; round++) {
    await more(traffic, 'done', 10)
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
    for (let round = 0; round < 30; round++) {
      await more(traffic, 'done', 3)
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
  await more(traffic, 'done', 10)
  await administer(async (sql) => {
    await sql`alter system set statement_timeout = '1ms'`
    await sql`select pg_reload_conf()`
    await sql`set statement_timeout = 0`
    await more(traffic, 'refused', 10)
    await sql`alter system reset statement_timeout`
    await sql`select pg_reload_conf()`
  })
  await recover(server, traffic)
})

test('connections that are acknowledged and never carry anything again', async () => {
  const proxy = silentProxy(url)
  const server = await start(proxy.url)
  const traffic = accountTraffic(server.url, { tasks: false })
  await more(traffic, 'done', 10)
  proxy.swallow()
  await more(traffic, 'refused', 10)
  proxy.passAgain()
  await recover(server, traffic)
  proxy.close()
})
