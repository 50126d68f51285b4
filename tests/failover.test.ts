import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { accountTraffic } from './support/account-traffic.ts'
import { temporaryFolder } from './support/folder.ts'
import { mixedTraffic } from './support/mixed-traffic.ts'
import { administer, privateServer } from './support/postgres.ts'
import { startReceiver } from './support/receiver.ts'
import { killServers, startServer } from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(120_000)

afterAll(killServers)

test('kill -9 of the primary under load, then the promotion of its standby', async () => {
  const primary = await privateServer({ synchronous_standby_names: '*' })
  await primary.stop('fast')
  const standby = await privateServer({}, { primary })
  await primary.start()
  const [first, second] = [primary, standby].map(({ url }) => new URL(url).host)
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: `postgres://postgres@${first},${second}/postgres?target_session_attrs=read-write`,
    WORKERS: '2',
    AUTH_SECRET: 'a secret of the identity provider, 32 bytes',
    TRUST_PROXY: 'x-peer',
    WEBHOOK_ALLOW: 'http,private',
    BUDGET_FACTOR: '0',
  })
  const lines = (message: string) => server.lines.filter(({ msg }) => msg === message)
  await eventually(() => lines('listening').length === 2, 'The workers do not listen.', 30_000)
  await eventually(async () => (await fetch(`${server.url}/health/ready`)).ok, 'ready', 30_000)
  const receiver = await startReceiver()
  const traffic = await mixedTraffic(server.url, receiver, ['ada', 'ben', 'cleo'])
  const visitors = accountTraffic(server.url, { visitors: 1 })
  const counts = [traffic.count, visitors.count]
  const more = (kind: 'done' | 'unavailable', times: number): Promise<unknown> => {
    const refused = kind === 'done' ? 'done' : 'refused'
    const now = () => [traffic.count[kind], visitors.count[refused]]
    const before = now()
    const enough = () => now().every((value, n) => value >= (before[n] ?? 0) + times)
    return eventually(enough, () => `${times} more ${kind}: ${JSON.stringify(counts)}`, 60_000)
  }

  await more('done', 20)
  await primary.stop('kill')
  await more('unavailable', 3)
  const before = counts.map(({ done }) => done)
  await more('unavailable', 5)
  expect(counts.map(({ done }) => done)).toEqual(before)
  await administer(standby.url, (sql) => sql`select pg_promote(wait => false)`)
  await more('done', 20)

  await visitors.stop()
  await traffic.finish()
  expect(await eventually(visitors.visit, 'A visitor is refused.')).toBe(true)
  for (const { email } of visitors.accounts) expect(await visitors.signIn(email)).toBeDefined()
  expect([...traffic.wrong, ...visitors.wrong]).toEqual([])
  expect(lines('worker started')).toHaveLength(2)
  expect(lines('uncaught error, stopping')).toEqual([])
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
  receiver.close()
  await standby.close()
  await primary.close()
})
