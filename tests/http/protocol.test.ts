import { beforeEach, describe, expect, test } from 'bun:test'
import { serve } from '../../src/adapters/http/serve.ts'
import { tokenBuckets } from '../../src/adapters/limits/token-buckets.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { type Http, json, openHttp } from '../support/http.ts'
import { within } from '../support/wait.ts'

let http: Http

beforeEach(() => {
  http = openHttp(memoryStorage().tasks, { corsOrigins: ['https://app.example.com'] })
})

const JSON_HEADERS = { 'content-type': 'application/json' }

describe('authentication', () => {
  const open = [
    '/',
    '/health',
    '/health/ready',
    '/docs',
    '/docs/json',
    '/docs/assets/:file',
    '/client.js',
    '/client.d.ts',
  ]
  const addressOf = (path: string): string => path.replace(':id', Bun.randomUUIDv7())

  test('every route is either public or requires a token', async () => {
    expect(http.routes.length).toBeGreaterThanOrEqual(10)
    for (const { method, path } of http.routes) {
      if (!path.startsWith('/api/')) {
        expect(open).toContain(path)
        continue
      }
      const missing = await http.call(method, addressOf(path), { as: null })
      expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect((await json(missing)).detail).toContain('missing')
      for (const [as, word] of [
        ['bad', 'not valid'],
        ['expired', 'expired'],
      ] as const) {
        const refused = await http.call(method, addressOf(path), { as })
        expect(refused.status).toBe(401)
        expect(refused.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
        expect((await json(refused)).detail).toContain(word)
      }
    }
  })

  test("every route with an id returns 403 for another user's task", async () => {
    const { id } = await json(http.call('POST', '/api/tasks', { body: { title: 'mine' } }))
    const routes = http.routes.filter(({ path }) => path.startsWith('/api/tasks/:id'))
    expect(routes.length).toBeGreaterThanOrEqual(5)
    for (const { method, path } of routes) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
      const response = await http.call(method, path.replace(':id', id), { as: 'bob', ...body })
      expect([method, path, response.status]).toEqual([method, path, 403])
      expect(await response.text()).not.toContain('mine')
    }
  })

  test.each([
    '/API/tasks',
    '//api/tasks',
    '/api//tasks',
    '/%61pi/tasks',
    '/api%2ftasks',
    '/x/../api/tasks',
    '/api/tasks/',
    '/api/nothing',
    '/api/auth/../tasks',
  ])('no spelling of a path bypasses it: %s', async (path) => {
    expect([401, 404]).toContain((await http.call('GET', path, { as: null })).status)
  })

  test.each([
    ['Basic YTpi', 'Bearer'],
    ['', 'Bearer'],
    ['Bearer', 'Bearer error="invalid_token"'],
    ['Bearer ', 'Bearer error="invalid_token"'],
    ['Bearer a b', 'Bearer error="invalid_token"'],
    ['Bearer a, Bearer b', 'Bearer error="invalid_token"'],
  ])('Authorization: "%s" is 401', async (authorization, challenge) => {
    const response = await http.call('GET', '/api/tasks', { as: null, headers: { authorization } })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, challenge])
  })

  test('the scheme is case-insensitive', async () => {
    const headers = { authorization: 'bEARER  alice' }
    expect((await http.call('GET', '/api/tasks', { as: null, headers })).status).toBe(200)
  })

  test('precedes reading the body', async () => {
    let pulled = false
    const raw = new ReadableStream<Uint8Array>(
      {
        pull: () => {
          pulled = true
        },
      },
      { highWaterMark: 0 },
    )
    const response = await http.call('POST', '/api/tasks', {
      as: null,
      raw,
      headers: { 'content-type': 'text/xml' },
    })
    expect([response.status, pulled]).toEqual([401, false])
  })

  test('is 503 without a key to verify with', async () => {
    const response = await http.call('GET', '/api/tasks', { as: 'keyless' })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
  })
})

describe('bodies', () => {
  const post = (
    raw: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
    headers: Record<string, string> = JSON_HEADERS,
  ) => http.call('POST', '/api/tasks', { raw, headers })

  test.each([
    ['cut off', '{"title":"a"'],
    ['trailing comma', '{"title":"a",}'],
    ['two values', '{"title":"a"}{}'],
    ['single quotes', "{'title':'a'}"],
    ['comment', '{"title":"a"/**/}'],
    ['raw control character', '{"title":"a\u0001"}'],
    ['unterminated string', '{"title":"a'],
    ['byte order mark', '\ufeff{"title":"a"}'],
    ['member twice', '{"title":"a","title":"b"}'],
    ['member twice, spelled differently', '{"title":"a","titl\\u0065" : "b"}'],
    ['member twice, deep down', '{"title":"a","id":[{"x":1,"x":2}]}'],
    ['too deep', `{"title":"a","id":${'['.repeat(32)}${']'.repeat(32)}}`],
    ['prototype', '{"title":"a","__proto__":{"completed":true}}'],
  ])('rejects with 400: %s', async (_, raw) => {
    const response = await post(raw)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await json(http.call('GET', '/api/tasks'))).toEqual([])
  })

  test('accepts valid JSON that looks suspicious', async () => {
    const fine = `{"title":"{[\\"title\\":","description":"\\u0041 \\\\","id":${'['.repeat(31)}${']'.repeat(31)},"revision":[{"x":1},{"x":2}]}`
    expect(await json(post(fine))).toMatchObject({ title: '{["title":', description: 'A \\' })
  })

  test('invalid UTF-8 is 400', async () => {
    const bytes = new Uint8Array(
      Buffer.concat([Buffer.from('{"title":"a'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    )
    const response = await post(bytes)
    expect([response.status, (await json(response)).detail]).toEqual([
      400,
      'The body is not valid UTF-8.',
    ])
  })

  test('accepts 64 KiB, one byte more is 413, with or without Content-Length', async () => {
    const body = (size: number) => `{"title":"a"${' '.repeat(size - 13)}}`
    const stream = (text: string) =>
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (let at = 0; at < text.length; at += 1000) {
            controller.enqueue(Buffer.from(text.slice(at, at + 1000)))
          }
          controller.close()
        },
      })
    expect((await post(body(65_536))).status).toBe(201)
    expect((await post(stream(body(65_536)))).status).toBe(201)
    for (const raw of [body(65_537), stream(body(65_537))]) {
      const response = await post(raw)
      expect(response.status).toBe(413)
      expect((await json(response)).detail).toContain('65536')
    }
  })

  test('rejects hostile bodies with a short response', async () => {
    for (const raw of [
      '['.repeat(65_536),
      '{"a":'.repeat(13_000),
      '"\\'.repeat(32_768),
      '"'.repeat(65_536),
      '\\"'.repeat(32_768),
      `[${'"a" '.repeat(16_000)}`,
      `{${Array.from({ length: 5000 }, (_, n) => `"k${n}":1`)}}`,
    ]) {
      const response = await post(raw)
      expect(response.status).toBe(400)
      expect((await response.text()).length).toBeLessThan(5000)
    }
  })

  test.each([
    ['application/json; charset=utf-8', 201],
    ['Application/JSON;Charset="UTF-8"', 201],
    ['application/json; charset=latin1', 415],
    ['application/jsonp', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['text/plain', 415],
    ['', 415],
  ])('Content-Type: %s is %d', async (type, status) => {
    const headers = type ? { 'content-type': type } : { 'content-type': '' }
    const response = await post('{"title":"a"}', headers)
    expect(response.status).toBe(status)
    if (status === 415) expect((await json(response)).detail).toContain('application/json')
  })

  test('a compressed body is 415', async () => {
    const bytes = new Uint8Array(Bun.gzipSync(Buffer.from('{"title":"a"}')))
    expect((await post(bytes, { ...JSON_HEADERS, 'content-encoding': 'gzip' })).status).toBe(415)
  })
})

describe('methods and addresses', () => {
  test('a path without a route is 404 and refers to the documentation', async () => {
    for (const path of ['/nothing', '/api/tasks/1/2/3', '/health/x']) {
      const response = await http.call('GET', path)
      expect(response.status).toBe(404)
      expect((await json(response)).detail).toContain('/docs')
    }
  })

  test.each([
    ['DELETE', '/api/tasks', 'GET, HEAD, OPTIONS, POST'],
    [
      'POST',
      '/api/tasks/0190a3f0-0000-7000-8000-000000000001',
      'DELETE, GET, HEAD, OPTIONS, PATCH, PUT',
    ],
    ['GET', '/api/tasks/0190a3f0-0000-7000-8000-000000000001/complete', 'OPTIONS, PATCH'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
  ])('%s %s is 405 with Allow', async (method, path, allow) => {
    const response = await http.call(method, path)
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect((await json(response)).type).toEndWith('method-not-allowed')
    const options = await http.call('OPTIONS', path, { as: null })
    expect([options.status, options.headers.get('allow')]).toEqual([204, allow])
  })

  test('OPTIONS of an unknown path is 404', async () => {
    expect((await http.call('OPTIONS', '/nothing', { as: null })).status).toBe(404)
  })

  test('HEAD returns the same as GET, without the body', async () => {
    const { id } = await json(http.call('POST', '/api/tasks', { body: { title: 'a' } }))
    for (const path of ['/', '/health', '/api/tasks', `/api/tasks/${id}`]) {
      const [get, head] = [await http.call('GET', path), await http.call('HEAD', path)]
      expect(head.status).toBe(200)
      expect(head.headers.get('etag')).toBe(get.headers.get('etag'))
      expect(head.headers.get('content-length')).toBe(String((await get.text()).length))
      expect(await head.text()).toBe('')
    }
    expect((await http.call('HEAD', `/api/tasks/${id}`, { as: 'bob' })).status).toBe(403)
    expect((await http.call('HEAD', '/api/tasks', { as: null })).status).toBe(401)
  })
})

test('hosts with short names are served', async () => {
  for (const host of ['x', 'app', 'a:1', 'task', '[::1]']) {
    const at = (method: string, body: string | null) =>
      http.handle(
        new Request(`http://${host}/api/tasks?${method === 'GET' ? 'q=short' : ''}`, {
          method,
          headers: { authorization: 'Bearer alice', ...JSON_HEADERS },
          body,
        }),
      )
    expect((await at('POST', `{"title":"short ${host}"}`)).status).toBe(201)
    expect(await json(at('GET', null))).toMatchObject([{ title: `short ${host}` }])
    await json(at('GET', null)).then(([{ id }]) => http.call('DELETE', `/api/tasks/${id}`))
  }
})

test.each([
  ['Host: localhost', 200],
  ['Host: localhost\r\nHost: localhost', 400],
  ['Host: localhost\r\nhost: evil.example.com', 400],
  ['Host: a, b', 400],
])('a request has at most one host: %j is %d', async (lines, status) => {
  const server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  let received = ''
  await Bun.connect({
    hostname: '127.0.0.1',
    port: Number(new URL(server.url).port),
    socket: {
      open: (socket) => {
        socket.write(`GET /health HTTP/1.1\r\n${lines}\r\nConnection: close\r\n\r\n`)
      },
      data: (_, data) => {
        received += data.toString()
      },
      close: () => resolve(),
    },
  })
  await within(closed, 'The connection was not closed.')
  await server.stop(0)
  expect(received).toStartWith(`HTTP/1.1 ${status} `)
})

test('the service describes itself, is healthy and ready', async () => {
  expect(await json(http.call('GET', '/', { as: null }))).toEqual({
    name: 'taskport',
    version: '0.0.0',
    docs: '/docs',
    health: '/health',
  })
  expect(await json(http.call('GET', '/health', { as: null }))).toEqual({ status: 'healthy' })
  expect(await json(http.call('GET', '/health/ready', { as: null }))).toEqual({ status: 'ready' })
})

describe('a storage that fails', () => {
  const failing = (error: Error) =>
    openHttp(new Proxy(memoryStorage().tasks, { get: () => () => Promise.reject(error) }))

  test('is 503 with Retry-After while it is unreachable; liveness ignores it', async () => {
    http = failing(new DomainError('unavailable', 'The storage cannot be reached right now.'))
    for (const path of ['/api/tasks', '/health/ready']) {
      const response = await http.call('GET', path)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
      expect((await json(response)).instance).toContain(response.headers.get('x-request-id'))
    }
    expect((await http.call('GET', '/health')).status).toBe(200)
  })

  test('unexpectedly is 500, which names the request and reveals nothing', async () => {
    const secret = 'duplicate key value violates "users" at /srv/app.ts'
    http = failing(Object.assign(new Error(secret), { status: 418, code: 'NOT_FOUND' }))
    const response = await http.call('POST', '/api/tasks', { body: { title: 'private text' } })
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).toContain(response.headers.get('x-request-id') ?? '-')
    for (const word of ['duplicate', 'users', 'srv', 'private', 'Error'])
      expect(text).not.toContain(word)
    expect(http.lines).toMatchObject([{ level: 'error', status: 500, error: { name: 'Error' } }])
    expect(JSON.stringify(http.lines)).not.toContain('users')
  })

  test('to respond in time is 503 at the deadline', async () => {
    const never = new Proxy(memoryStorage().tasks, { get: () => () => new Promise(() => {}) })
    http = openHttp(never, { deadline: 20 })
    expect((await http.call('GET', '/api/tasks')).status).toBe(503)
  })
})

describe('budgets', () => {
  test('every response to a token says what is left; without requests left it is 429', async () => {
    const { tasks } = memoryStorage()
    http = openHttp(tasks, { budgets: tokenBuckets() })
    const get = (as: string | null) => http.call('GET', '/api/tasks', { as })
    expect((await get('alice')).headers.get('ratelimit')).toBe('"requests";r=999;t=1')
    expect((await get(null)).headers.get('ratelimit')).toBeNull()
    expect((await http.call('GET', '/health', { as: 'alice' })).headers.get('ratelimit')).toBeNull()
    let last = await get('alice')
    for (let n = 0; n < 2000 && last.ok; n++) last = await get('alice')
    expect([last.status, last.headers.get('retry-after')]).toEqual([429, '1'])
    expect(last.headers.get('ratelimit')).toBe('"requests";r=0;t=20')
    expect(await json(last)).toMatchObject({
      type: 'urn:taskport:problem:too-many-requests',
      detail: 'You are sending too many requests. Retry after the time in Retry-After.',
    })
    expect((await get('bob')).status).toBe(200)
  })

  test('an exceeded budget of changes names its time to wait and changes nothing', async () => {
    const { tasks } = memoryStorage()
    const spend = (_: string, budget: string) =>
      budget === 'writes' ? { left: 0, wait: 2500, reset: 0 } : { left: 5, wait: 0, reset: 1001 }
    http = openHttp(tasks, { budgets: { spend } })
    const refused = await http.call('POST', '/api/tasks', { body: { title: 'a' } })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3'])
    expect(refused.headers.get('ratelimit')).toBe('"requests";r=5;t=2')
    const list = await http.call('GET', '/api/tasks')
    expect([list.status, await json(list)]).toEqual([200, []])
  })
})

describe('headers', () => {
  test("every response has a request id, generated or the client's", async () => {
    const first = await http.call('GET', '/health')
    const second = await http.call('GET', '/nothing')
    expect(first.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(first.headers.get('x-request-id')).not.toBe(second.headers.get('x-request-id'))
    const given = async (id: string) =>
      (await http.call('GET', '/health', { headers: { 'x-request-id': id } })).headers.get(
        'x-request-id',
      )
    expect(await given('trace-1.a_B')).toBe('trace-1.a_B')
    for (const odd of ['a b', 'x'.repeat(65), '<script>', '{"a":1}'])
      expect(await given(odd)).not.toBe(odd)
  })

  test('every response is safe in a browser and not stored by shared caches', async () => {
    for (const path of ['/health', '/api/tasks', '/nothing']) {
      const { headers } = await http.call('GET', path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('cache-control')).toBe('private, no-cache')
      expect(headers.get('vary')).toContain('Authorization')
    }
  })

  test('CORS allows exactly the configured origins', async () => {
    const origin = 'https://app.example.com'
    for (const as of ['alice', null]) {
      const { headers } = await http.call('GET', '/api/tasks', { as, headers: { origin } })
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      expect(headers.get('access-control-expose-headers')).toContain('ETag')
      expect(headers.get('vary')).toContain('Origin')
    }
    const preflight = (from: string) =>
      http.call('OPTIONS', '/api/tasks', {
        as: null,
        headers: { origin: from, 'access-control-request-method': 'POST' },
      })
    const { status, headers } = await preflight(origin)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-allow-methods')).toContain('POST')
    expect(headers.get('access-control-allow-headers')).toContain('If-Match')
    for (const other of [
      'https://app.example.com.evil.org',
      'http://app.example.com',
      'null',
      'https://APP.example.com',
    ]) {
      for (const response of [
        await preflight(other),
        await http.call('GET', '/health', { headers: { origin: other } }),
      ]) {
        const names = [...response.headers.keys()].filter((name) =>
          name.startsWith('access-control-allow'),
        )
        expect(names).toEqual([])
      }
    }
  })
})

describe('the log', () => {
  test('has one line per request, including rejected ones', async () => {
    const { id } = await json(http.call('POST', '/api/tasks', { body: { title: 'a' } }))
    await http.call('GET', `/api/tasks/${id}?secret=1`)
    await http.call('GET', '/api/tasks', { as: 'bad' })
    await http.call('OPTIONS', '/api/tasks', { as: null })
    await http.call('HEAD', '/health')
    const response = await http.call('GET', '/nothing')
    expect(http.lines).toMatchObject([
      { level: 'info', method: 'POST', route: '/api/tasks', status: 201, user: 'alice' },
      { method: 'GET', route: '/api/tasks/:id', status: 200, user: 'alice' },
      { method: 'GET', route: null, status: 401 },
      { method: 'OPTIONS', status: 204 },
      { method: 'HEAD', route: '/health', status: 200 },
      { method: 'GET', route: null, status: 404, request_id: response.headers.get('x-request-id') },
    ])
    for (const { ms } of http.lines) expect(ms).toBeNumber()
  })

  test('contains no user content and no token', async () => {
    const body = { title: 'private title', description: 'private words' }
    const { id } = await json(http.call('POST', '/api/tasks', { body, as: 'alice' }))
    await http.call('PUT', `/api/tasks/${id}`, { body: { title: 5, 'private member': 1 } })
    await http.call('GET', '/api/tasks?q=private+search')
    await http.call('GET', '/api/tasks/private-path')
    await http.call('GET', '/private/path')
    await http.call('GET', '/api/tasks', {
      as: null,
      headers: { authorization: 'Bearer private.token.value x' },
    })
    expect(http.lines).toHaveLength(6)
    expect(JSON.stringify(http.lines)).not.toContain('private')
  })
})
