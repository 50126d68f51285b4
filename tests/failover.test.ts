import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { accountTraffic } from './support/account-traffic.ts'
import { temporaryFolder } from './support/folder.ts'
import { mixedTraffic } from './support/mixed-traffic.ts'
import { administer, privateServer } from './support/postgres.ts'
import { startReceiver } from './support/receiver.ts'
import { enter, killServers, startServer } from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(300_000)

afterAll(killServers)

/** A primary and its standby, and a server process that knows both. */
const start = async (settings: Record<string, string>, workers: number) => {
  const primary = await privateServer(settings)
  await primary.stop('fast')
  const standby = await privateServer({}, { primary })
  await primary.start()
  const [first, second] = [primary, standby].map(({ url }) => new URL(url).host)
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: `postgres://postgres@${first},${second}/postgres?target_session_attrs=read-write`,
    WORKERS: String(workers),
    AUTH_SECRET: 'a secret of the identity provider, 32 bytes',
    TRUST_PROXY: 'x-peer',
    WEBHOOK_ALLOW: 'http,private',
    BUDGET_FACTOR: '0',
  })
  const lines = (message: string) => server.lines.filter(({ msg }) => msg === message)
  await eventually(() => lines('listening').length === workers, 'Workers do not listen.', 60_000)
  await eventually(async () => (await fetch(`${server.url}/health/ready`)).ok, 'ready', 60_000)
  return {
    primary,
    standby,
    server,
    lines,
    promote: () => administer(standby.url, (sql) => sql`select pg_promote(wait => false)`),
    end: async (): Promise<void> => {
      server.signal('SIGTERM')
      expect(await server.exited).toBe(0)
      await standby.close()
      await primary.close()
    },
  }
}

test('kill -9 of the primary under load, then the promotion of its standby', async () => {
  const world = await start({ synchronous_standby_names: '*' }, 2)
  const { primary, server, lines } = world
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
  await world.promote()
  await more('done', 20)

  await visitors.stop()
  await traffic.finish()
  expect(await eventually(visitors.visit, 'A visitor is refused.')).toBe(true)
  for (const { email } of visitors.accounts) expect(await visitors.signIn(email)).toBeDefined()
  expect([...traffic.wrong, ...visitors.wrong]).toEqual([])
  expect(lines('worker started')).toHaveLength(2)
  expect(lines('uncaught error, stopping')).toEqual([])
  await world.end()
  receiver.close()
})

test('a standby that lacks the last writes: no cursor or tag of those stands for other data', async () => {
  const world = await start({}, 1)
  const { primary, standby, server } = world
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const call = async (method: string, path: string, headers = {}, body?: object) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, etag: response.headers.get('etag') ?? '', response }
  }
  const create = async (title: string): Promise<string> => {
    const { response, status } = await call('POST', '/api/tasks', {}, { title })
    return status === 201 ? ((await response.json()) as { id: string }).id : ''
  }
  const cursor = async (): Promise<string> =>
    ((await (await call('GET', '/api/changes')).response.json()) as { cursor: string }).cursor
  const since = (position: string) => call('GET', `/api/changes?since=${position}`)

  const id = await create('replicated')
  await create('replicated, too')
  const shared = await cursor()
  await administer(standby.url, (sql) =>
    eventually(
      async () => (await sql`select from taskport.tasks where id = ${id}`).length === 1,
      'The standby does not follow.',
    ),
  )
  await standby.stop('fast')
  const { etag: lostTag } = await call('PUT', `/api/tasks/${id}`, {}, { title: 'lost' })
  await create('lost, too')
  const lost = await cursor()
  const { etag: lostList } = await call('GET', '/api/tasks')
  await primary.stop('kill')
  await standby.start()
  await world.promote()
  await eventually(async () => (await call('GET', '/api/tasks')).status === 200, 'Nothing is read.')
  expect((await since(lost)).status).toBe(410)

  await eventually(() => create('new'), 'Nothing is written.')
  await call('PUT', `/api/tasks/${id}`, {}, { title: 'another' })
  expect((await since(lost)).status).toBe(410)
  expect((await call('GET', `/api/events?since=${lost}`)).status).toBe(410)
  const events = `/api/events?since=${shared}`
  expect((await call('GET', events, { 'last-event-id': '4' })).status).toBe(410)
  const { changes } = (await (await since(shared)).response.json()) as { changes: object[] }
  expect(changes).toMatchObject([
    { revision: 3, task: { title: 'new' } },
    { revision: 4, task: { title: 'another' } },
  ])
  expect((await call('GET', '/api/tasks', { 'if-none-match': lostList })).status).toBe(200)
  const refused = await call('PUT', `/api/tasks/${id}`, { 'if-match': lostTag }, { title: 'no' })
  expect(refused.status).toBe(412)
  await world.end()
})
