import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { getServers, setServers } from 'node:dns'
import { join } from 'node:path'
import { resolver } from '../src/adapters/webhooks/resolve.ts'
import { webhookSender } from '../src/adapters/webhooks/send.ts'
import { startDns } from './support/dns.ts'
import { temporaryFolder } from './support/folder.ts'
import { type Account, enter, startServer } from './support/server.ts'
import { eventually, within } from './support/wait.ts'

setDefaultTimeout(120_000)

const system = getServers()
afterEach(() => setServers(system))

const useDns = async (...[answer]: Parameters<typeof startDns>) => {
  const dns = await startDns(answer)
  setServers([dns.address])
  return dns
}

test('names that no DNS server answers for, and constant pings, do not delay sign-ins', async () => {
  const dns = await startDns(() => undefined)
  const flags = ['--preload', join(import.meta.dir, 'support/use-dns.ts')]
  const { url } = await startServer(temporaryFolder(), { TEST_DNS: dns.address }, flags)
  const account = await enter(url, 'sign-up', 'mallory@example.com')
  const post = (path: string, body?: object) => postAs(account, `${url}/api/webhooks${path}`, body)
  const hooks = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const response = await post('', { url: `https://${n}.test/`, events: ['task.changed'] })
      return (await response.json()) as { id: string }
    }),
  )
  const ping = () => Promise.all(hooks.map(({ id }) => post(`/${id}/ping`)))
  await ping()
  await eventually(
    () => new Set(dns.questions.map(({ name }) => name)).size === hooks.length,
    () => `${dns.questions.length} questions were asked.`,
  )
  for (let n = 0; n < 8; n++) {
    await Promise.all([
      ping(),
      within(enter(url, 'sign-in', 'mallory@example.com'), 'The sign-in hangs.', 3000),
    ])
  }
  dns.close()
})

const postAs = ({ token }: Account, url: string, body: object = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('a name without an answer is given up after 2 seconds, and then at once for a while', async () => {
  const dns = await useDns(() => undefined)
  const resolve = resolver()
  const start = performance.now()
  const look = () => resolve('silent.test').catch(({ message }: Error) => message)
  const expected = 'No DNS server responded for silent.test.'
  expect(await within(Promise.all([look(), look()]), 'It is not given up.')).toEqual([
    expected,
    expected,
  ])
  expect(performance.now() - start).toBeGreaterThan(1900)
  const again = await Promise.race([look(), Bun.sleep(1000)])
  expect(again).toBe(expected)
  dns.close()
})

test('names of the hosts file need no DNS server, others fail when it knows none', async () => {
  const dns = await useDns(() => [])
  const resolve = resolver()
  expect(await resolve('localhost')).toContain('127.0.0.1')
  expect(dns.questions.filter(({ name }) => name.includes('localhost'))).toEqual([])
  await expect(within(resolve('unknown.test'), 'It hangs.')).rejects.toThrow('ENOTFOUND')
  dns.close()
})

test('a name whose address changes between check and connection is not looked up again', async () => {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  let looks = 0
  const dns = await useDns(({ type }) => [type === 'A' && ++looks > 1 ? '127.0.0.1' : '127.0.0.2'])
  const send = webhookSender({
    schemes: ['http:'],
    allowed: (address) => address === '127.0.0.2',
    timeout: 1000,
  })
  const message = {
    id: 'msg_1',
    type: 'ping',
    timestamp: '2026-02-10T12:00:00.000Z',
    data: {},
  } as const
  const attempt = (): ReturnType<typeof send> =>
    within(send(`http://rebound.test:${server.port}/`, message, []), 'The attempt does not end.')
  expect(await attempt()).toMatchObject({ ok: false, error: 'unreachable' })
  expect(looks).toBe(1)
  expect(await attempt()).toMatchObject({ ok: false, error: 'address-refused' })
  expect(server.pendingRequests).toBe(0)
  dns.close()
  await server.stop(true)
})
