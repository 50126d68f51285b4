import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { type RunningServer, serve } from '../../src/adapters/http/serve.ts'
import { scopeOf } from '../../src/adapters/http/transport/scopes.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { tokenSecrets } from '../../src/adapters/tokens/index.ts'
import type { TokenStore } from '../../src/application/ports.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { SCOPES, type Scope } from '../../src/domain/token.ts'
import { readEvents } from '../support/events.ts'
import { type Call, type Http, json, openHttp } from '../support/http.ts'

const DRAFT = { name: 'script', scopes: ['tasks:read'] }

let storage: ReturnType<typeof memoryStorage>
let http: Http

const open = (options: Parameters<typeof openHttp>[1] = {}): void => {
  http = openHttp(storage.tasks, { ...storage, ...options })
}

beforeEach(() => {
  storage = memoryStorage()
  open()
})

const create = (body: unknown = DRAFT, as = 'alice') =>
  http.call('POST', '/api/tokens', { body, as })

const tokenWith = async (...scopes: Scope[]): Promise<string> =>
  (await json(create({ name: 'script', scopes }))).token

const list = () => json(http.call('GET', '/api/tokens'))

test('a created token is shown once', async () => {
  const expires_at = '2099-01-01T00:00:00+01:00'
  const response = await create({ ...DRAFT, expires_at })
  const { token, ...shown } = await json(response)
  expect(response.status).toBe(201)
  expect(response.headers.get('location')).toBe(`/api/tokens/${shown.id}`)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(token).toMatch(/^tp_[0-9A-Za-z]{49}$/)
  expect(shown).toEqual({
    id: expect.any(String),
    ...DRAFT,
    created_at: expect.any(String),
    last_used_at: null,
    expires_at: '2098-12-31T23:00:00.000Z',
  })
  expect(await list()).toEqual([shown])
  expect(await json(http.call('GET', '/api/tokens', { as: 'bob' }))).toEqual([])
})

test.each([
  ['no name', { scopes: DRAFT.scopes }, ['/name']],
  ['a name of spaces', { ...DRAFT, name: '  ' }, ['/name']],
  ['no scope', { ...DRAFT, scopes: [] }, ['/scopes']],
  ['an unknown scope', { ...DRAFT, scopes: ['caldav'] }, ['/scopes']],
  ['lists', { ...DRAFT, lists: null }, ['/lists']],
  ['a past expiry', { ...DRAFT, expires_at: '2020-01-01T00:00:00Z' }, ['/expires_at']],
  ['a day as expiry', { ...DRAFT, expires_at: '2099-01-01' }, ['/expires_at']],
  [
    'everything wrong',
    { name: 1, scopes: 'all', expires_at: 5 },
    ['/expires_at', '/name', '/scopes'],
  ],
])('rejects and names the field: %s', async (_, body, pointers) => {
  const response = await create(body)
  const { errors } = await json(response)
  expect(response.status).toBe(400)
  expect(errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual(pointers)
  expect(await list()).toEqual([])
})

test('an export has webhooks only for a token that may see them', async () => {
  const hook = { url: 'https://hooks.example.com/', events: ['task.changed'] }
  expect((await http.call('POST', '/api/webhooks', { body: hook })).status).toBe(201)
  const typesFor = async (...scopes: Scope[]): Promise<string[]> => {
    const as = await tokenWith(...scopes)
    const text = await (await http.call('GET', '/api/export', { as })).text()
    return text.split('\n').flatMap((line) => (line ? [JSON.parse(line).type] : []))
  }
  expect(await typesFor('tasks:read')).toEqual(['export', 'end'])
  expect(await typesFor('tasks:read', 'webhooks')).toEqual(['export', 'webhook', 'end'])
})

test('a deleted token is refused with the next request; only its user can delete it', async () => {
  const { id, token } = await json(create())
  const read = () => http.call('GET', '/api/tasks', { as: token })
  expect((await read()).status).toBe(200)
  const remove = (as: string, of = id) => http.call('DELETE', `/api/tokens/${of}`, { as })
  expect((await remove('bob')).status).toBe(404)
  expect((await remove('alice', 'x')).status).toBe(404)
  expect((await read()).status).toBe(200)
  expect((await remove('alice', id.toUpperCase())).status).toBe(204)
  const refused = await read()
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  expect((await remove('alice')).status).toBe(404)
})

test('an expired one is refused as such, without a leeway', async () => {
  let now = '2026-02-10T12:00:00.000Z'
  open({ now: () => now })
  const { token } = await json(create({ ...DRAFT, expires_at: '2026-02-10T12:00:01Z' }))
  const read = () => http.call('GET', '/api/tasks', { as: token })
  expect((await read()).status).toBe(200)
  now = '2026-02-10T12:00:01.000Z'
  const refused = await read()
  expect(refused.status).toBe(401)
  expect((await json(refused)).detail).toContain('has expired')
})

test.each([
  ['unknown', tokenSecrets.create()],
  ['malformed', 'tp_x'],
])('an %s one is refused, whatever the path and the body', async (_, as) => {
  const raw = new ReadableStream<Uint8Array>(
    { pull: () => expect.unreachable() },
    { highWaterMark: 0 },
  )
  for (const call of [{ as }, { as, raw }]) {
    const response = await http.call('POST', '/api/tasks', call)
    expect([response.status, (await json(response)).type]).toEqual([
      401,
      'urn:taskport:problem:unauthenticated',
    ])
  }
})

test('while the storage is away a token is not refused, but 503', async () => {
  const find = () => Promise.reject(new DomainError('unavailable', 'away'))
  open({ tokens: { ...storage.tokens, find } as TokenStore })
  expect((await http.call('GET', '/api/tasks', { as: tokenSecrets.create() })).status).toBe(503)
})

test("requests with a token spend its user's budget", async () => {
  const spenders: string[] = []
  const spend = (user: string) => {
    spenders.push(user)
    return { left: 1, wait: 0, reset: 0 }
  }
  open({ budgets: { spend } })
  const token = await tokenWith('tasks:read')
  spenders.splice(0)
  const { headers } = await http.call('GET', '/api/tasks', { as: token })
  expect([spenders, headers.get('ratelimit')]).toEqual([['alice'], '"requests";r=1;t=0'])
})

test('the time of use is noted to the minute', async () => {
  open({ wake: (job) => void (job === 'note-token-uses' && http.app.noteTokenUses()) })
  const token = await tokenWith('tasks:read')
  const before = new Date().toISOString().slice(0, 16)
  await http.call('GET', '/api/tasks', { as: token })
  const [{ last_used_at }] = await list()
  expect(last_used_at).toMatch(/:00\.000Z$/)
  expect(last_used_at >= `${before}:00.000Z`).toBe(true)
})

const OF_TASKS: Record<string, Scope> = { GET: 'tasks:read', DELETE: 'tasks:delete' }

describe('scopes', () => {
  /** Without accounts and documentation; `id` stands for a task. */
  const routes = () =>
    http.routes
      .filter(({ path }) => path.startsWith('/api/'))
      .map((route) => ({ method: route.method, path: route.path, scope: scopeOf(route) }))

  const expectMissing = async (response: Response, scope?: Scope): Promise<void> => {
    const { status, headers } = response
    expect([status, headers.get('www-authenticate')]).toEqual([
      403,
      `Bearer error="insufficient_scope"${scope ? `, scope="${scope}"` : ''}`,
    ])
    expect((await json(response)).type).toBe('urn:taskport:problem:insufficient-scope')
  }

  test('every route under /api/ has one, but those of tokens, which need a session', () => {
    const without = routes().filter(({ scope }) => scope === undefined)
    expect(without.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'DELETE /api/tokens/:id',
      'GET /api/tokens',
      'POST /api/tokens',
    ])
    expect(new Set(routes().flatMap(({ scope }) => scope ?? []))).toEqual(new Set(SCOPES))
  })

  test('a read, a write, a deletion and a webhook need their own', () => {
    const scopes = Object.fromEntries(
      routes().map(({ method, path, scope }) => [`${method} ${path}`, scope]),
    )
    for (const { method, path, scope } of routes()) {
      if (!/tasks|changes|events/.test(path)) continue
      expect([method, path, scope]).toEqual([method, path, OF_TASKS[method] ?? 'tasks:write'])
    }
    expect(scopes['POST /api/webhooks/:id/ping']).toBe('webhooks')
  })

  test('a token that lacks it gets 403 on every route, before its body is read', async () => {
    for (const { method, path, scope } of routes()) {
      const weak = await tokenWith(...SCOPES.filter((other) => other !== scope))
      const strong = scope && (await tokenWith(scope))
      const target = path.replace(':id', Bun.randomUUIDv7())
      const call: Call = method === 'GET' || method === 'DELETE' ? {} : { raw: '{' }
      await expectMissing(await http.call(method, target, { ...call, as: weak }), scope)
      if (!strong) continue
      const { status, body } = await http.call(method, target, { ...call, as: strong })
      await body?.cancel()
      expect([method, path, [200, 400, 404, 415].includes(status)]).toEqual([method, path, true])
      await http.call('GET', '/api/tokens').then(json).then(clear)
    }
  })

  const clear = async (tokens: { id: string }[]): Promise<void> => {
    for (const { id } of tokens) await http.call('DELETE', `/api/tokens/${id}`)
  }

  test('HEAD needs that of GET; a path or a method that is not there needs none', async () => {
    const token = await tokenWith('tasks:write')
    const status = async (method: string, path: string) =>
      (await http.call(method, path, { as: token })).status
    expect(await status('HEAD', '/api/tasks')).toBe(403)
    expect(await status('GET', '/api/nothing')).toBe(404)
    expect(await status('DELETE', '/api/tasks')).toBe(405)
  })

  test('a batch that deletes needs tasks:delete as well', async () => {
    const { id } = await json(http.call('POST', '/api/tasks', { body: { title: 'a' } }))
    const operations = [{ op: 'create', body: { title: 'b' } }]
    const batch = (as: string, more: object[] = []) =>
      http.call('POST', '/api/tasks/batch', {
        as,
        body: { operations: [...operations, ...more] },
      })
    const writer = await tokenWith('tasks:write')
    const both = await tokenWith('tasks:write', 'tasks:delete')
    expect((await batch(writer)).status).toBe(200)
    await expectMissing(await batch(writer, [{ op: 'delete', id }]), 'tasks:delete')
    expect(await json(http.call('GET', '/api/tasks'))).toHaveLength(2)
    expect((await batch(both, [{ op: 'delete', id }])).status).toBe(200)
  })

  test('no token makes, lists or deletes tokens', async () => {
    const token = await tokenWith(...SCOPES)
    const [{ id }] = await list()
    await expectMissing(await http.call('POST', '/api/tokens', { as: token, body: DRAFT }))
    await expectMissing(await http.call('GET', '/api/tokens', { as: token }))
    await expectMissing(await http.call('DELETE', `/api/tokens/${id}`, { as: token }))
    expect(await list()).toMatchObject([{ id }])
  })
})

describe('an event stream', () => {
  let server: RunningServer

  const follow = async (heartbeat: number, more: object = {}) => {
    open({ streams: { heartbeat } })
    server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
    const { id, token } = await json(create({ ...DRAFT, ...more }))
    const stream = await readEvents(`${server.url}/api/events`, {
      authorization: `Bearer ${token}`,
    })
    expect(await stream.next()).toMatchObject({ event: 'current' })
    return { id, stream }
  }
  afterEach(async () => {
    http.endStreams()
    await server.stop(0)
  })

  const add = (title: string) => http.call('POST', '/api/tasks', { body: { title } })
  const revoke = (id: string) => http.call('DELETE', `/api/tokens/${id}`)

  test('is sent no change after its token was revoked', async () => {
    const { id, stream } = await follow(60_000)
    await add('before')
    expect(await stream.next()).toMatchObject({ id: '1' })
    expect(await stream.next()).toMatchObject({ event: 'current' })
    await revoke(id)
    await add('after')
    expect(await stream.next()).toBeUndefined()
    expect(http.streams()).toBe(0)
  })

  test('ends with a heartbeat after its token was revoked, and not while it is there', async () => {
    const { id, stream } = await follow(20)
    await stream.heartbeats(3)
    await revoke(id)
    expect(await stream.next()).toBeUndefined()
    expect(http.streams()).toBe(0)
  })

  test('goes on while the storage is away, as long as there is nothing to send', async () => {
    const { stream } = await follow(20)
    const { find } = storage.tokens
    let failures = 0
    Object.assign(storage.tokens, {
      find: async () => {
        failures++
        throw new DomainError('unavailable', 'away')
      },
    })
    await stream.heartbeats(3)
    expect(failures).toBeGreaterThan(0)
    Object.assign(storage.tokens, { find })
    await add('a')
    expect(await stream.next()).toMatchObject({ id: '1' })
  })

  test('ends when its token expires', async () => {
    const expiry = Date.now() + 500
    const { stream } = await follow(60_000, { expires_at: new Date(expiry).toISOString() })
    expect(await stream.next()).toBeUndefined()
    expect(Date.now()).toBeGreaterThanOrEqual(expiry)
  })
})
