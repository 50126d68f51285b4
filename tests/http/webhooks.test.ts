import { beforeEach, describe, expect, test } from 'bun:test'
import type { WebhookStore } from '../../src/application/ports.ts'
import { failed } from '../../src/domain/delivery.ts'
import type { Webhook } from '../../src/domain/webhook.ts'
import { type Call, type Http, json, openHttp } from '../support/http.ts'
import { emptyStorage } from '../support/storages.ts'

const DRAFT = { url: 'https://hooks.example.com/a', events: ['task.changed', 'task.reminder'] }

let http: Http
let webhooks: WebhookStore

beforeEach(async () => {
  const storage = await emptyStorage()
  webhooks = storage.webhooks
  http = openHttp(storage.tasks, storage)
})

const create = (body: unknown = DRAFT, as = 'alice') =>
  http.call('POST', '/api/webhooks', { body, as })

const read = (id: string) => json(http.call('GET', `/api/webhooks/${id}`))

test('a created webhook shows its secret once', async () => {
  const response = await create()
  const { secret, ...webhook } = await json(response)
  expect(response.status).toBe(201)
  expect(response.headers.get('location')).toBe(`/api/webhooks/${webhook.id}`)
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  expect(webhook).toEqual({
    id: expect.any(String),
    ...DRAFT,
    created_at: expect.any(String),
    state: 'active',
    disabled_because: null,
    position: 0,
    last_attempt_at: null,
    last_error: null,
    failing_since: null,
    next_attempt_at: null,
  })
  const second = await json(create({ ...DRAFT, url: 'https://hooks.example.com/b' }))
  expect(second.secret).not.toBe(secret)
  expect(await read(webhook.id)).toEqual(webhook)
  const list = await http.call('GET', '/api/webhooks')
  const text = await list.text()
  expect(JSON.parse(text).map(({ url }: { url: string }) => url)).toEqual([DRAFT.url, second.url])
  for (const hidden of ['secret', 'whsec', 'alice']) expect(text).not.toContain(hidden)
})

test('one response has every issue: of the schema, of the domain, and of the address', async () => {
  const response = await create({ url: 'https://127.1/', events: 'all', secret: 'x' })
  const { errors } = await json(response)
  expect(errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
    '/events',
    '/secret',
    '/url',
  ])
})

test('a key makes every write safe to repeat', async () => {
  const keyed = (method: string, path: string, key: string, body?: unknown) =>
    http.call(method, path, {
      headers: { 'idempotency-key': key },
      ...(body !== undefined && { body }),
    })
  const twice = async (method: string, path: string, body?: unknown) => {
    const key = `${method} ${path}`.replaceAll(' ', '-')
    const [first, second] = [
      await keyed(method, path, key, body),
      await keyed(method, path, key, body),
    ]
    expect(second.status).toBe(first.status)
    expect(first.headers.has('idempotency-replayed')).toBe(false)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    const texts = [await first.text(), await second.text()]
    expect(texts[1]).toBe(texts[0])
    return texts[0] ?? ''
  }
  const { id } = JSON.parse(await twice('POST', '/api/webhooks', DRAFT))
  expect(await json(http.call('GET', '/api/webhooks'))).toHaveLength(1)
  await twice('POST', `/api/webhooks/${id}/ping`)
  await twice('POST', `/api/webhooks/${id}/rotate-secret`)
  expect((await webhooks.get('alice', id))?.secrets).toHaveLength(2)
  await twice('POST', `/api/webhooks/${id}/replay`, { since: 0 })
  await twice('DELETE', `/api/webhooks/${id}`)
  expect((await keyed('DELETE', `/api/webhooks/${id}`, 'another')).status).toBe(404)
})

test.each([
  ['no address', { events: DRAFT.events }, '/url'],
  ['no events', { url: DRAFT.url }, '/events'],
  ['an empty list of events', { ...DRAFT, events: [] }, '/events'],
  ['an unknown event', { ...DRAFT, events: ['task.created'] }, '/events'],
  ['an event that is no text', { ...DRAFT, events: [1] }, '/events/0'],
  ['a member too many', { ...DRAFT, secret: 'x' }, '/secret'],
  ['no TLS', { ...DRAFT, url: 'http://hooks.example.com/' }, '/url'],
  ['no address at all', { ...DRAFT, url: 'hooks' }, '/url'],
  ['this machine', { ...DRAFT, url: 'https://127.1/' }, '/url'],
  ['a private network', { ...DRAFT, url: 'https://[fd00::1]:8443/' }, '/url'],
  ['a password', { ...DRAFT, url: 'https://a:b@hooks.example.com/' }, '/url'],
])('rejects and names the field: %s', async (_, body, pointer) => {
  const response = await create(body)
  const { errors } = await json(response)
  expect(response.status).toBe(400)
  expect(errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer])
  expect(await json(http.call('GET', '/api/webhooks'))).toEqual([])
})

test('rejects the eleventh webhook', async () => {
  for (let n = 0; n < 10; n++) expect((await create()).status).toBe(201)
  const response = await create()
  expect(response.status).toBe(403)
  expect((await json(response)).detail).toContain('10 webhooks')
  expect((await create(DRAFT, 'bob')).status).toBe(201)
})

const REQUESTS: [string, string, Call][] = [
  ['GET', '', {}],
  ['DELETE', '', {}],
  ['POST', '/ping', {}],
  ['POST', '/rotate-secret', {}],
  ['POST', '/replay', { body: { since: 0 } }],
]

test.each(REQUESTS)(
  "%s %s of another user's or an unknown webhook is 404",
  async (method, path, call) => {
    const { id, secret, ...before } = await json(create())
    const request = (as: string, target: string) =>
      http.call(method, `/api/webhooks/${target}${path}`, { ...call, as })
    const foreign = await request('bob', id)
    expect(foreign.status).toBe(404)
    expect((await request('alice', 'x')).status).toBe(404)
    expect(await read(id)).toMatchObject(before)
    expect((await request('alice', id)).status).toBeLessThan(300)
  },
)

test('ids are case-insensitive', async () => {
  for (const [method, path, call] of REQUESTS.toSorted(([a]) => (a === 'DELETE' ? 1 : -1))) {
    const { id } = await json(create())
    const response = await http.call(method, `/api/webhooks/${id.toUpperCase()}${path}`, call)
    expect([method, path, response.status < 300]).toEqual([method, path, true])
  }
})

test.each([
  [{ url: '', events: [1] }, ['/events/0', '/url']],
  [{ url: 5, events: ['task.created'] }, ['/events', '/url']],
  [{ url: 'https://a:b@hooks.example.com/', secret: 1 }, ['/events', '/secret', '/url']],
])('wrong types and invalid values are reported together: %j', async (body, pointers) => {
  const { errors } = await json(create(body))
  expect(errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual(pointers)
})

test('a deleted webhook is 404', async () => {
  const { id } = await json(create())
  expect((await http.call('DELETE', `/api/webhooks/${id}`)).status).toBe(204)
  for (const [method, path, call] of REQUESTS) {
    expect((await http.call(method, `/api/webhooks/${id}${path}`, call)).status).toBe(404)
  }
})

test('rotating shows the new secret once', async () => {
  const { id, secret } = await json(create())
  const rotated = await json(http.call('POST', `/api/webhooks/${id}/rotate-secret`))
  expect(rotated.secret).toMatch(/^whsec_/)
  expect(rotated.secret).not.toBe(secret)
  expect(await read(id)).not.toHaveProperty('secret')
})

describe('replay', () => {
  const replay = (id: string, body: unknown) =>
    http.call('POST', `/api/webhooks/${id}/replay`, { body })

  test('resets the position to a revision', async () => {
    for (const title of ['a', 'b']) await http.call('POST', '/api/tasks', { body: { title } })
    const { id, position } = await json(create())
    expect(position).toBe(2)
    expect(await json(replay(id, { since: 1 }))).toMatchObject({ id, position: 1 })
  })

  test('from a future revision is 410', async () => {
    const { id } = await json(create())
    for (const since of [1, 2 ** 53, 1e300]) {
      expect((await replay(id, { since })).status).toBe(410)
    }
  })

  test.each([
    {},
    { since: -1 },
    { since: '1' },
    { since: 1.5 },
    { since: null },
    { since: 0, x: 1 },
  ])('rejects %j', async (body) => {
    const { id } = await json(create())
    const response = await replay(id, body)
    expect(response.status).toBe(400)
    expect((await json(response)).errors).toHaveLength(1)
  })
})

test('the state shows the error, its beginning and the next attempt', async () => {
  const { id } = await json(create())
  const at = '2026-02-10T12:00:00.000Z'
  const fail = async (error: Parameters<typeof failed>[1], time: string) => {
    const webhook = (await webhooks.get('alice', id)) as Webhook
    await webhooks.replace(failed(webhook, error, 0, time, 0))
    return read(id)
  }
  expect(await fail('timeout', at)).toMatchObject({
    state: 'failing',
    disabled_because: null,
    last_attempt_at: at,
    last_error: 'timeout',
    failing_since: at,
    next_attempt_at: '2026-02-10T12:00:05.000Z',
  })
  expect(await fail('server-error', '2026-02-15T12:00:00.000Z')).toMatchObject({
    state: 'disabled',
    disabled_because: 'failing',
    last_error: 'server-error',
    failing_since: at,
    next_attempt_at: null,
  })
  expect(
    await json(http.call('POST', `/api/webhooks/${id}/replay`, { body: { since: 0 } })),
  ).toMatchObject({
    state: 'active',
    disabled_because: null,
    failing_since: null,
  })
})
