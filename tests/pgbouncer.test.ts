import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { accountTraffic } from './support/account-traffic.ts'
import { temporaryFolder } from './support/folder.ts'
import { mixedTraffic } from './support/mixed-traffic.ts'
import { pgBouncer } from './support/pgbouncer.ts'
import { freshDatabase } from './support/postgres.ts'
import { startReceiver } from './support/receiver.ts'
import { enter, killServers, startServer } from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(300_000)

afterAll(killServers)

const WORKERS = 3

/** Resolves when the reminder of a new task has arrived. */
const remind = async (
  url: string,
  receiver: Awaited<ReturnType<typeof startReceiver>>,
): Promise<void> => {
  const { token } = await enter(url, 'sign-up', 'dora@example.com')
  const post = async (path: string, body: object): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const options = { method: 'POST', headers, body: JSON.stringify(body) }
    return (await fetch(`${url}${path}`, options)).status
  }
  const hook = { url: `${receiver.url}/reminder`, events: ['task.reminder'] }
  expect(await post('/api/webhooks', hook)).toBe(201)
  const remind_at = new Date(Date.now() + 500).toISOString()
  expect(await post('/api/tasks', { title: 'soon', remind_at })).toBe(201)
  await receiver.until(
    () => receiver.deliveries.has('/reminder'),
    () => 'The reminder did not come.',
    30_000,
  )
}

test.each([
  ['named in the URL', '?pgbouncer=true', [0]],
  ['not named in the URL', '', [1, WORKERS]],
])(
  'everything works through a transaction pooler %s, from an empty database on',
  async (_, option, noticed) => {
    const database = await freshDatabase()
    const pooler = await pgBouncer(database, 'transaction')
    const server = await startServer(temporaryFolder(), {
      DATABASE_URL: pooler.through(database) + option,
      WORKERS: String(WORKERS),
      AUTH_SECRET: 'a secret of the identity provider, 32 bytes',
      TRUST_PROXY: 'x-peer',
      WEBHOOK_ALLOW: 'http,private',
      BUDGET_FACTOR: '0',
    })
    const lines = (message: RegExp) => server.lines.filter(({ msg }) => message.test(String(msg)))
    const listening = () => lines(/^listening$/).length === WORKERS
    await eventually(listening, 'The workers do not listen.', 60_000)
    const receiver = await startReceiver()
    const traffic = await mixedTraffic(server.url, receiver, ['ada', 'ben', 'cleo'])
    const visitors = accountTraffic(server.url, { visitors: 1 })
    const wrong = () => [...traffic.wrong, ...visitors.wrong]
    const more = (times: number): Promise<unknown> => {
      const now = () => [traffic.count.done, visitors.count.done]
      const before = now()
      const enough = () => now().every((value, n) => value >= (before[n] ?? 0) + times)
      return eventually(enough, () => `${times} more requests served. ${wrong()}`, 60_000)
    }

    await Promise.all([more(40), remind(server.url, receiver)])
    expect([traffic.count.unavailable, visitors.count.refused]).toEqual([0, 0])
    expect(lines(/^background job fails|^event stream failed/)).toEqual([])
    for (let n = 0; n < 2; n++) {
      await pooler.restart()
      await more(15)
    }
    await visitors.stop()
    await traffic.finish()
    for (const { email } of visitors.accounts) expect(await visitors.signIn(email)).toBeDefined()
    expect(wrong()).toEqual([])
    expect(lines(/^worker started$/)).toHaveLength(WORKERS)
    const warnings = lines(/no longer prepared/).length
    expect(warnings).toBeGreaterThanOrEqual(noticed[0] ?? 0)
    expect(warnings).toBeLessThanOrEqual(noticed.at(-1) ?? 0)
    server.signal('SIGTERM')
    expect(await server.exited).toBe(0)
    receiver.close()
    await pooler.close()
  },
)
