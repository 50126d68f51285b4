import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import { isPublic } from '../../src/adapters/webhooks/address.ts'
import { webhooksTo } from '../../src/adapters/webhooks/index.ts'
import { type SenderOptions, webhookSender } from '../../src/adapters/webhooks/send.ts'
import { newSecret } from '../../src/adapters/webhooks/sign.ts'
import type { Message } from '../../src/domain/delivery.ts'
import { selfSigned } from '../support/certificate.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(20_000)

type Send = ReturnType<typeof webhookSender>
type Received = { headers: Headers; body: string; url: string }

const servers: Bun.Server<undefined>[] = []
const listeners: { stop(force: boolean): void }[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.stop(true)
  for (const server of servers.splice(0)) await server.stop(true)
})

/** A real receiver; what it has received, and its port. */
const receiver = (
  answer: (request: Request) => Response | Promise<Response> = () =>
    new Response(null, { status: 204 }),
  tls?: { key: string; cert: string },
) => {
  const received: Received[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    ...(tls && { tls }),
    fetch: async (request) => {
      received.push({ headers: request.headers, body: await request.text(), url: request.url })
      return answer(request)
    },
  })
  servers.push(server)
  return { received, port: server.port ?? 0 }
}

const MESSAGE: Message = {
  id: 'msg_1_41_changed',
  type: 'task.changed',
  timestamp: '2026-02-10T12:00:00.000Z',
  data: { revision: 41, task: { title: 'Größe 👍' } },
}

const withDeadline =
  (send: Send): Send =>
  (url, ...rest) =>
    within(send(url, ...rest), `The attempt to send to ${url} should end.`)

const sender = (options: Partial<SenderOptions> = {}) =>
  withDeadline(
    webhookSender({
      schemes: ['http:', 'https:'],
      allowed: (address) => address === '127.0.0.1',
      resolve: async () => ['127.0.0.1'],
      ...options,
    }),
  )

const outside = withDeadline(
  webhookSender({ schemes: ['http:'], allowed: isPublic, timeout: 5000 }),
)

const SECRET = newSecret()

describe('a message', () => {
  test('is signed so that the official library accepts it, with each secret', async () => {
    const { received, port } = receiver()
    const old = newSecret()
    expect(await sender()(`http://hooks.test:${port}/a?b=c`, MESSAGE, [SECRET, old])).toEqual({
      ok: true,
    })
    const [{ headers, body, url }] = received as [Received]
    const given = Object.fromEntries(headers)
    for (const secret of [SECRET, old]) {
      expect(new Webhook(secret).verify(body, given)).toEqual({
        type: MESSAGE.type,
        timestamp: MESSAGE.timestamp,
        data: MESSAGE.data,
      })
    }
    expect(() => new Webhook(newSecret()).verify(body, given)).toThrow()
    expect(() => new Webhook(SECRET).verify(`${body} `, given)).toThrow()
    expect(headers.get('webhook-id')).toBe(MESSAGE.id)
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('host')).toBe(`hooks.test:${port}`)
    expect(new URL(url).search).toBe('?b=c')
  })

  test('secrets are of 32 bytes and never the same', () => {
    expect(SECRET).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(newSecret()).not.toBe(SECRET)
  })
})

describe('an answer', () => {
  test.each([
    [200, { ok: true }],
    [202, { ok: true }],
    [301, { ok: false, error: 'redirect' }],
    [307, { ok: false, error: 'redirect' }],
    [400, { ok: false, error: 'client-error' }],
    [404, { ok: false, error: 'client-error' }],
    [410, { ok: false, error: 'gone' }],
    [500, { ok: false, error: 'server-error' }],
    [503, { ok: false, error: 'server-error' }],
  ])('of %d is judged by its status alone', async (status, outcome) => {
    const { received, port } = receiver(
      () => new Response('x'.repeat(100_000), { status, headers: { location: '/elsewhere' } }),
    )
    expect(await sender()(`http://hooks.test:${port}/`, MESSAGE, [SECRET])).toMatchObject(outcome)
    expect(received).toHaveLength(1)
  })

  test('that asks for patience gets it, in seconds and as a date', async () => {
    for (const [value, least, most] of [
      ['120', 120_000, 120_000],
      [new Date(Date.now() + 60_000).toUTCString(), 50_000, 60_000],
      ['soon', 0, 0],
    ] as const) {
      const { port } = receiver(
        () => new Response(null, { status: 429, headers: { 'retry-after': value } }),
      )
      const outcome = await sender()(`http://hooks.test:${port}/`, MESSAGE, [SECRET])
      const { retryAfter } = outcome as { retryAfter: number }
      expect(retryAfter).toBeGreaterThanOrEqual(least)
      expect(retryAfter).toBeLessThanOrEqual(most)
    }
  })

  test('that never comes, and a name that is never found, are given up', async () => {
    const { promise: never, resolve: end } = Promise.withResolvers<Response>()
    const { port } = receiver(() => never)
    const url = `http://hooks.test:${port}/`
    expect(await sender({ timeout: 100 })(url, MESSAGE, [SECRET])).toMatchObject({
      error: 'timeout',
    })
    const hanging = sender({ timeout: 100, resolve: () => new Promise(() => {}) })
    expect(await hanging(url, MESSAGE, [SECRET])).toMatchObject({ error: 'timeout' })
    end(new Response())
  })

  test('that has no end is not waited for', async () => {
    const body = new ReadableStream({ pull: (control) => control.enqueue(new Uint8Array(65_536)) })
    const { port } = receiver(() => new Response(body))
    expect(await sender()(`http://hooks.test:${port}/`, MESSAGE, [SECRET])).toEqual({ ok: true })
  })

  test('of nobody is unreachable', async () => {
    const { port } = receiver()
    await servers.pop()?.stop(true)
    const outcome = await sender()(`http://hooks.test:${port}/`, MESSAGE, [SECRET])
    expect(outcome).toMatchObject({ error: 'unreachable' })
    const unresolved = sender({ resolve: () => Promise.reject(new Error('ENOTFOUND')) })
    expect(await unresolved(`http://hooks.test:${port}/`, MESSAGE, [SECRET])).toMatchObject({
      error: 'unresolved',
    })
  })
})

/** Takes connections and writes `head` to each of them, and `text` over and over. */
const flood = (head: string, text: string) => {
  const block = text.repeat(Math.ceil(65_536 / text.length))
  let open = 0
  const fill = (socket: Bun.Socket<{ rest: string }>): void => {
    for (let written = -1; written !== 0; ) {
      written = Math.max(socket.write(socket.data.rest), 0)
      socket.data.rest = socket.data.rest.slice(written) || block
    }
  }
  const listener = Bun.listen<{ rest: string }>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: (socket) => {
        open++
        socket.data = { rest: head + block }
        fill(socket)
      },
      drain: fill,
      close: () => void open--,
      data: () => {},
      error: () => {},
    },
  })
  listeners.push(listener)
  return { url: `http://hooks.test:${listener.port}/`, open: () => open }
}

/** Takes connections and writes a character of a header at a time to each of them. */
const drip = () => {
  let open = 0
  const listener = Bun.listen<{ timer: Timer }>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: (socket) => {
        open++
        socket.write('HTTP/1.1 200 OK\r\nX-Long: ')
        socket.data = { timer: setInterval(() => socket.write('x'), 10) }
      },
      close: (socket) => {
        open--
        clearInterval(socket.data.timer)
      },
      data: () => {},
    },
  })
  listeners.push(listener)
  return { url: `http://hooks.test:${listener.port}/`, open: () => open }
}

describe('a receiver that does not end', () => {
  const tenTo = async ({ url, open }: ReturnType<typeof drip>, timeout: number) => {
    const send = sender({ timeout })
    const attempts = Array.from({ length: 10 }, () => send(url, MESSAGE, [SECRET]))
    const outcomes = await Promise.all(attempts)
    await eventually(
      () => open() === 0,
      () => `${open()} connections are open.`,
    )
    return new Set(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error)))
  }

  test('its headers, sent slowly, is given up in time', async () => {
    expect(await tenTo(drip(), 300)).toEqual(new Set(['timeout']))
  })

  test.each([
    ['its headers', 'HTTP/1.1 200 OK\r\n', 'X-Long: x\r\n'],
    ['a header', 'HTTP/1.1 200 OK\r\nX-Long: ', 'x'],
    ['its interim responses', '', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('%s is given up at once', async (_, head, text) => {
    expect(await tenTo(flood(head, text), 60_000)).toEqual(new Set(['unreachable']))
  })

  test.each([
    ['its body', 'HTTP/1.1 500 No\r\nContent-Length: 99999999999\r\n\r\n', 'x'],
    ['its chunks', 'HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'],
  ])('%s is judged by its status and left', async (_, head, text) => {
    expect(await tenTo(flood(head, text), 60_000)).toEqual(new Set(['server-error']))
  })
})

describe('a certificate', () => {
  test('has to be for the name, and of somebody trusted', async () => {
    const certificate = await selfSigned('hooks.test')
    const { received, port } = receiver(undefined, certificate)
    const trusting = sender({ ca: certificate.cert })
    expect(await trusting(`https://hooks.test:${port}/`, MESSAGE, [SECRET])).toEqual({ ok: true })
    expect(await trusting(`https://other.test:${port}/`, MESSAGE, [SECRET])).toMatchObject({
      error: 'tls',
    })
    expect(await sender()(`https://hooks.test:${port}/`, MESSAGE, [SECRET])).toMatchObject({
      error: 'tls',
    })
    expect(received).toHaveLength(1)
  })
})

describe('an address that users must not reach', () => {
  const INSIDE = [
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:169.254.169.254',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '2001::1',
    '2001:db8::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '100::1',
    'not an address',
    '',
  ]

  test.each(INSIDE)('%p is not public', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  test.each(['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001:80e::200e'])(
    '%p is',
    (address) => {
      expect(isPublic(address)).toBe(true)
    },
  )

  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://127.0.0.1./',
    'http://①②⑦.⓪.⓪.①/',
    'http://127。0。0。1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://0/',
    'http://169.254.169.254/latest/meta-data/',
    'http://localhost/',
    'http://LOCALHOST/',
    'http://public.example@127.0.0.1/',
  ])('%s is not sent to, however it is spelt', async (url) => {
    const outcome = await outside(url, MESSAGE, [SECRET])
    expect(outcome).toEqual({ ok: false, error: 'address-refused', retryAfter: 0 })
    const { urlProblem } = webhooksTo({ http: true, private: false })
    expect(urlProblem(url)).toBe('must not lead to a private network or to this server itself.')
  })

  test('shows at once only when the address is given, and can be allowed', () => {
    const { urlProblem } = webhooksTo({ http: false, private: false })
    expect(urlProblem('https://hooks.example.com/')).toBeUndefined()
    expect(urlProblem('https://1.1.1.1/')).toBeUndefined()
    expect(urlProblem('https://x.localhost./')).toMatch('private')
    expect(urlProblem('http://1.1.1.1/')).toBe('must be an address that begins with https://.')
    const all = webhooksTo({ http: true, private: true })
    for (const url of ['http://localhost/', 'https://10.0.0.1/']) {
      expect(all.urlProblem(url)).toBeUndefined()
    }
    expect(all.urlProblem('ftp://10.0.0.1/')).toMatch('https:// or http://')
  })

  test('is not reached by a name with a dot behind it', async () => {
    const { received, port } = receiver()
    const dotted = sender({ allowed: isPublic })
    expect(await dotted(`http://localhost.:${port}/`, MESSAGE, [SECRET])).toMatchObject({
      error: 'address-refused',
    })
    expect(received).toEqual([])
  })

  test('is refused if any address of the name is one', async () => {
    const { received, port } = receiver()
    const mixed = sender({ resolve: async () => ['127.0.0.1', '10.0.0.1'] })
    expect(await mixed(`http://hooks.test:${port}/`, MESSAGE, [SECRET])).toMatchObject({
      error: 'address-refused',
    })
    expect(received).toEqual([])
  })

  test('is not reached by a name that changes its mind between check and use', async () => {
    const inside = receiver()
    let asked = 0
    const resolve = async (): Promise<string[]> => [asked++ === 0 ? '127.0.0.2' : '127.0.0.1']
    const rebound = sender({ resolve, allowed: (address) => address === '127.0.0.2', timeout: 500 })
    const outcome = await rebound(`http://hooks.test:${inside.port}/`, MESSAGE, [SECRET])
    expect(outcome.ok).toBe(false)
    expect([asked, inside.received]).toEqual([1, []])
  })

  test('is not reached over another scheme', async () => {
    for (const url of ['http://hooks.test/', 'file:///etc/passwd', 'data:text/plain,x']) {
      const outcome = await sender({ schemes: ['https:'] })(url, MESSAGE, [])
      expect(outcome).toMatchObject({ error: 'address-refused' })
    }
  })
})
