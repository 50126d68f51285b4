import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readEvents } from './support/events.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase, privateServer } from './support/postgres.ts'
import { enter, type RunningProcess, SHARED, startServer, tokenFor } from './support/server.ts'
import { eventually, within } from './support/wait.ts'

setDefaultTimeout(60_000)

const client = (url: string, token: string) => (method: string, path: string, body?: object) =>
  fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })

const stop = async (server: RunningProcess): Promise<void> => {
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

/** Creates, lists, filters, edits, completes and deletes. */
const useIt = async (url: string, token: string): Promise<void> => {
  const call = client(url, token)
  const milk = await json(call('POST', '/api/tasks', { title: 'Buy milk', due_date: '2026-02-10' }))
  const rent = await json(call('POST', '/api/tasks', { title: 'Pay rent', priority: 'high' }))
  expect(await json(call('GET', '/api/tasks'))).toEqual([rent, milk])
  expect(await json(call('GET', '/api/tasks?priority=high'))).toEqual([rent])
  expect(await json(call('PUT', `/api/tasks/${milk.id}`, { title: 'Buy oat milk' }))).toMatchObject(
    {
      title: 'Buy oat milk',
      due_date: '2026-02-10',
      revision: 3,
    },
  )
  expect(await json(call('PATCH', `/api/tasks/${rent.id}/complete`))).toMatchObject({
    completed: true,
  })
  expect(await json(call('GET', '/api/tasks?status=pending'))).toMatchObject([{ id: milk.id }])
  expect((await call('DELETE', `/api/tasks/${milk.id}`)).status).toBe(204)
  expect((await call('GET', `/api/tasks/${milk.id}`)).status).toBe(404)
}

describe('on a fresh machine, with nothing configured', () => {
  test('it creates its folder, databases and secret, and users can sign up', async () => {
    const folder = temporaryFolder()
    const server = await startServer(folder)
    const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'data/secret')).mode & 0o777).toBe(0o600)
    await useIt(server.url, token)
    await stop(server)
    expect(server.stderr()).toContain(`${new URL(server.url).port}/api/auth/sign-up/email`)

    const again = await startServer(folder)
    expect(await json(client(again.url, token)('GET', '/api/tasks'))).toMatchObject([
      { title: 'Pay rent', revision: 4 },
    ])
    await stop(again)
    const log = JSON.stringify([...server.lines, ...again.lines])
    for (const secret of [
      token,
      'rent',
      readFileSync(join(folder, 'data/secret'), 'utf8').trim(),
    ]) {
      expect(log).not.toContain(secret)
    }
  })

  test('the token command says how it is used', async () => {
    const folder = temporaryFolder()
    for (const args of [[], ['--sub', ''], ['--sub', 'a', '--expires', 'x'], ['--name', 'a']]) {
      const { code, error } = await tokenFor(folder, args)
      expect(code).toBe(args.at(-1) === '' || args.includes('x') ? 1 : 2)
      expect(error).toMatch(/^[^\n]*--(sub|name|expires)[^\n]*\n$/)
    }
    const keys = { AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks' }
    expect((await tokenFor(folder, ['--sub', 'a'], keys)).error).toContain('identity provider')
    expect((await tokenFor(folder, ['--sub', 'a'], {})).error).toContain('built-in sign-in')
  })
})

test('in memory, with a secret, an issuer and an audience', async () => {
  const env = {
    DATABASE_URL: 'memory:',
    BETTER_AUTH_SECRET: 'a secret of at least thirty-two bytes',
    AUTH_ISSUER: 'https://id.example.com',
    AUTH_AUDIENCE: 'taskport',
  }
  const folder = temporaryFolder()
  const server = await startServer(folder, env)
  await useIt(server.url, (await tokenFor(folder, ['--sub', 'alice'], env)).token)
  const { AUTH_AUDIENCE: _, ...without } = env
  const other = (await tokenFor(folder, ['--sub', 'alice'], without)).token
  expect((await client(server.url, other)('GET', '/api/tasks')).status).toBe(401)
  await stop(server)
  expect(existsSync(join(folder, 'data'))).toBe(false)
})

describe('on PostgreSQL', () => {
  test('two processes share one database', async () => {
    const folder = temporaryFolder()
    const env = { ...SHARED, DATABASE_URL: '', NEON_DB_URL: await freshDatabase() }
    const [one, two] = await Promise.all([startServer(folder, env), startServer(folder, env)])
    const { token } = await tokenFor(folder, ['--sub', 'alice'])
    await readyAt(one.url)
    await readyAt(two.url)
    const bearer = { authorization: `Bearer ${token}` }
    const stream = await readEvents(`${two.url}/api/events`, bearer)
    expect(await stream.next()).toMatchObject({ event: 'current', data: { revision: 0 } })
    await useIt(one.url, token)
    for (let revision = 0; revision < 5; ) {
      const { data } = (await stream.next()) ?? {}
      expect((data as { revision: number }).revision).toBeGreaterThanOrEqual(revision)
      revision = (data as { revision: number }).revision
    }
    await readyAt(two.url)
    expect(await json(client(two.url, token)('GET', '/api/tasks'))).toMatchObject([
      { title: 'Pay rent' },
    ])
    await Promise.all([stop(one), stop(two)])
  })

  test('unreachable at the start: healthy, not ready, then ready by itself', async () => {
    const database = await privateServer()
    await database.stop()
    const folder = temporaryFolder()
    const server = await startServer(folder, { ...SHARED, DATABASE_URL: database.url })
    const { token } = await tokenFor(folder, ['--sub', 'alice'])
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    for (const path of ['/health/ready', '/api/tasks']) {
      const response = await client(server.url, token)('GET', path)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
      expect(await response.text()).not.toMatch(/postgres|127\.0|ECONN/)
    }
    await database.start()
    await readyAt(server.url)
    await useIt(server.url, token)
    await stop(server)
    await database.close()
  })

  test('with the schema of a newer version: ends with a clear message', async () => {
    const url = await freshDatabase()
    const { default: postgres } = await import('postgres')
    const sql = postgres(url, { max: 1 })
    await sql`create schema taskport`
    await sql`create table taskport.migrations (version integer primary key, applied_at timestamptz not null default now())`
    await sql`insert into taskport.migrations (version) values (99)`
    await sql.end()
    const server = await startServer(temporaryFolder(), { ...SHARED, DATABASE_URL: url })
    expect(await server.exited).toBe(1)
    expect(server.stderr()).toContain('newer version')
  })

  const readyAt = async (url: string): Promise<void> => {
    await eventually(async () => (await fetch(`${url}/health/ready`)).ok, 'ready', 30_000)
  }
})

test('a reminder that came due while the server was down is given at the next start', async () => {
  const folder = temporaryFolder()
  const first = await startServer(folder, SHARED)
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  const remind_at = new Date(Date.now() + 500).toISOString()
  const call = client(first.url, token)
  await json(call('POST', '/api/tasks', { title: 'Call Mum', remind_at }))
  first.signal('SIGKILL')
  await first.exited
  await eventually(() => new Date().toISOString() > remind_at, 'the reminder is due')
  const second = await startServer(folder, SHARED)
  const bearer = { authorization: `Bearer ${token}` }
  const stream = await readEvents(`${second.url}/api/events?since=1`, bearer)
  const reminder = async () => {
    for (;;) {
      const event = await stream.next()
      if (event?.event !== 'current') return event
    }
  }
  const { data } = (await reminder()) as { data: { task: { reminded_at: string } } }
  expect(data).toMatchObject({ op: 'upsert', revision: 2, task: { remind_at } })
  expect(data.task.reminded_at >= remind_at).toBe(true)
  await stop(second)
})

describe('start', () => {
  test('a port that is taken is named', async () => {
    const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
    const server = await startServer(temporaryFolder(), {
      PORT: String(taken.port),
      DATABASE_URL: 'memory:',
    })
    expect(await server.exited).toBe(1)
    expect(server.stderr()).toContain(`Port ${taken.port} on 127.0.0.1 is taken`)
    await taken.stop(true)
  })

  test('a host that is not an address of this machine is named', async () => {
    const env = { HOST: '192.0.2.1', DATABASE_URL: 'memory:' }
    const server = await startServer(temporaryFolder(), env)
    expect(await server.exited).toBe(1)
    expect(server.stderr()).toContain('192.0.2.1 is not an address of this machine')
  })

  test('a database file in use by another process is named', async () => {
    const folder = temporaryFolder()
    const first = await startServer(folder)
    const second = await startServer(folder)
    expect(await second.exited).toBe(1)
    expect(second.stderr()).toMatch(/taskport\.db is in use by another Taskport process/)
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200)
    await stop(first)
    await stop(await startServer(folder))
  })

  test('every invalid variable is named at once', async () => {
    const server = await startServer(temporaryFolder(), {
      PORT: '99999',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://x',
      BETTER_AUTH_SECRET: 'topsecret',
    })
    expect(await server.exited).toBe(1)
    for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL', 'BETTER_AUTH_SECRET']) {
      expect(server.stderr()).toContain(name)
    }
    expect(server.stderr()).not.toContain('topsecret')
  })
})

describe('stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s it finishes what runs and takes nothing new',
    async (signal) => {
      const folder = temporaryFolder()
      const server = await startServer(folder, SHARED)
      const { token } = await tokenFor(folder, ['--sub', 'alice'])
      const idle = await fetch(`${server.url}/health`)
      expect(idle.status).toBe(200)

      // A request whose body is still on its way when the signal comes.
      const { hostname, port } = new URL(server.url)
      const { promise: response, resolve: respond } = Promise.withResolvers<string>()
      const socket = await Bun.connect({
        hostname,
        port: Number(port),
        socket: {
          data: (_, bytes) => respond(bytes.toString()),
          close: () => respond('closed without a response'),
        },
      })
      const [first, rest] = ['{"title":"begun before ', 'the stop"}']
      socket.write(
        [
          'POST /api/tasks HTTP/1.1',
          `Host: ${hostname}:${port}`,
          `Authorization: Bearer ${token}`,
          'Content-Type: application/json',
          `Content-Length: ${first.length + rest.length}`,
          '',
          first,
        ].join('\r\n'),
      )
      await client(server.url, token)('GET', '/api/tasks')
      server.signal(signal)
      await eventually(() => server.lines.some(({ msg }) => msg === 'stopping'), 'it stops')
      const refused = () =>
        fetch(`${server.url}/health`, { keepalive: false }).then(
          () => false,
          () => true,
        )
      await eventually(refused, 'connections are refused')
      socket.write(rest)
      const line = await within(response, 'The request was not finished.')
      expect(line).toStartWith('HTTP/1.1 201 ')
      expect(await server.exited).toBe(0)

      const again = await startServer(folder, SHARED)
      expect(await json(client(again.url, token)('GET', '/api/tasks'))).toMatchObject([
        { title: 'begun before the stop' },
      ])
      await stop(again)
    },
  )

  test.each(['SIGTERM', 'SIGINT'] as const)('on %s no log line is lost', async (signal) => {
    const server = await startServer(temporaryFolder(), { ...SHARED, DATABASE_URL: 'memory:' })
    const get = () => fetch(`${server.url}/`)
    for (let n = 0; n < 20; n++) await Promise.all(Array.from({ length: 10 }, get))
    server.signal(signal)
    expect(await server.exited).toBe(0)
    const messages = server.lines.map(({ msg }) => msg)
    expect(messages.filter((message) => message === 'request')).toHaveLength(200)
    expect(messages.at(-1)).toBe('stopping')
  })

  test('open event streams do not hold it up, and end whole', async () => {
    const folder = temporaryFolder()
    const server = await startServer(folder, SHARED)
    const { token } = await tokenFor(folder, ['--sub', 'alice'])
    const bearer = { authorization: `Bearer ${token}` }
    const streams = await Promise.all(
      Array.from({ length: 10 }, () => readEvents(`${server.url}/api/events`, bearer)),
    )
    for (const stream of streams) expect(await stream.next()).toMatchObject({ event: 'current' })
    server.signal('SIGTERM')
    expect(await server.exited).toBe(0)
    for (const stream of streams) expect(await stream.next()).toBeUndefined()
    const [stopping] = server.lines.filter(({ msg }) => msg === 'stopping')
    expect(stopping).toBeDefined()
  })

  test('a client that never finishes does not hold it up for longer than its grace', async () => {
    const folder = temporaryFolder()
    const server = await startServer(folder, SHARED)
    const { token } = await tokenFor(folder, ['--sub', 'alice'])
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) })
    const hanging = fetch(`${server.url}/api/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
    }).catch(() => {})
    await client(server.url, token)('GET', '/api/tasks')
    server.signal('SIGTERM')
    expect(await server.exited).toBe(0)
    await hanging
  })
})

describe('real sockets', () => {
  /** Sends bytes as they are; returns the whole response. */
  const raw = async (url: string, bytes: string): Promise<string> => {
    const { hostname, port } = new URL(url)
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    let response = ''
    const socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_, chunk) => {
          response += chunk.toString()
        },
        close: () => resolve(),
      },
    })
    socket.write(bytes)
    await within(closed, 'The connection was not closed.')
    return response
  }

  test('requests without a usable host are served, for health checkers that send none', async () => {
    const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
    for (const head of [
      'HTTP/1.0\r\n',
      'HTTP/1.1\r\nHost: a b\r\n',
      'HTTP/1.1\r\nHost: x\r\n',
      'HTTP/1.1\r\nHost: x:99999\r\n',
    ]) {
      const response = await raw(server.url, `GET /health?x=1 ${head}Connection: close\r\n\r\n`)
      expect(response).toStartWith('HTTP/1.1 200')
      expect(response).toEndWith('{"status":"healthy"}')
      const posted = await raw(
        server.url,
        `POST /api/tasks ${head}Connection: close\r\nContent-Length: 2\r\n\r\n{}`,
      )
      expect(posted).toStartWith('HTTP/1.1 401')
    }
    const large =
      'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000000\r\n\r\n{'
    const { promise: received, resolve } = Promise.withResolvers<string>()
    const { hostname, port } = new URL(server.url)
    const socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: { data: (_, chunk) => resolve(chunk.toString()) },
    })
    socket.write(large)
    expect(await received).toContain('application/problem+json')
    socket.end()
    await stop(server)
  })

  test('a large body is refused unread, with a response', async () => {
    const folder = temporaryFolder()
    const server = await startServer(folder, { ...SHARED, DATABASE_URL: 'memory:' })
    const { token } = await tokenFor(folder, ['--sub', 'alice'])
    for (const path of ['/api/tasks', '/api/tasks?x']) {
      const response = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: 'x'.repeat(5_000_000),
      })
      expect(response.status).toBe(413)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
    }
    const head = await fetch(`${server.url}/health`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '20'])
    await stop(server)
  })
})
