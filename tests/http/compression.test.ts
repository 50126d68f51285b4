import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { gunzipSync } from 'node:zlib'
import { type RunningServer, serve } from '../../src/adapters/http/serve.ts'
import { acceptedEncoding } from '../../src/adapters/http/transport/compress.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { newTask } from '../../src/domain/task.ts'
import { openHttp } from '../support/http.ts'
import { commitOf, countingIds, NOON, put } from '../support/tasks.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(30_000)

const newId = countingIds()
const { tasks } = memoryStorage()
const http = openHttp(tasks)
let server: RunningServer
let long: string
let short: string

const fill = (owner: string, count: number): Promise<unknown> =>
  tasks.commit(
    commitOf(
      owner,
      Array.from({ length: count }, (_, n) => ({
        op: 'create' as const,
        task: newTask(
          newId(NOON),
          owner,
          { title: `${n}`, description: `${n} `.repeat(100) },
          NOON,
        ),
        revisionOffset: n + 1,
      })),
    ),
  )

beforeAll(async () => {
  server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
  long = (await put(tasks, 'alice', { title: 'long', description: 'é '.repeat(500) })).id
  short = (await put(tasks, 'alice', { title: 'short' })).id
  await fill('page', 60)
  await fill('whole', 400)
  await fill('stream', 1200)
})
afterAll(() => server.stop(0))

type Options = { as?: string; method?: string; headers?: Record<string, string>; accept?: string }

/** As it came, not decompressed. */
const raw = (path: string, { as = 'alice', method = 'GET', headers, accept }: Options = {}) =>
  within(
    fetch(`${server.url}${path}`, {
      method,
      decompress: false,
      headers: {
        authorization: `Bearer ${as}`,
        'accept-encoding': accept ?? 'identity',
        ...headers,
      },
    }),
    `${method} ${path}`,
  )

const decoded = async (response: Response): Promise<string> => {
  const bytes = await within(response.bytes(), 'the whole body')
  const encoding = response.headers.get('content-encoding')
  return new TextDecoder().decode(
    encoding === 'gzip'
      ? gunzipSync(bytes)
      : encoding === 'zstd'
        ? await Bun.zstdDecompress(bytes)
        : bytes,
  )
}

describe.each(['zstd', 'gzip'])('%s', (accept) => {
  test.each([
    ['a page of 60 tasks', '/api/tasks?limit=60', 'page'],
    ['a list of 100 kB', '/api/tasks', 'whole'],
    ['a list of 1 MB, which is a stream', '/api/tasks', 'stream'],
    ['a feed', '/api/changes', 'page'],
    ['the documentation', '/docs/json', 'alice'],
    ['its page', '/docs', 'alice'],
    ['the client', '/client.js', 'alice'],
    ['its script', '/docs/assets/swagger-ui-bundle.js', 'alice'],
  ])('%s is the same, and smaller', async (_, path, as) => {
    const plain = await raw(path, { as })
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(plain.headers.get('vary')).toContain('Accept-Encoding')
    const text = await decoded(plain)
    const packed = await raw(path, { as, accept })
    expect(packed.status).toBe(200)
    expect(packed.headers.get('content-encoding')).toBe(accept)
    expect(packed.headers.get('vary')).toContain('Accept-Encoding')
    expect(packed.headers.get('content-type')).toBe(plain.headers.get('content-type'))
    const copy = await raw(path, { as, accept })
    expect((await copy.bytes()).byteLength).toBeLessThan(text.length * 0.6)
    expect(await decoded(packed)).toBe(text)
  })

  test('a list keeps its weak tag, which gives 304 in either encoding', async () => {
    const path = '/api/tasks?limit=60'
    const etag = (await raw(path, { as: 'page' })).headers.get('etag') ?? ''
    expect(etag).toStartWith('W/"')
    const packed = await raw(path, { as: 'page', accept })
    expect(packed.headers.get('etag')).toBe(etag)
    const headers = { 'if-none-match': etag }
    expect((await raw(path, { as: 'page', accept, headers })).status).toBe(304)
  })

  test('a task has a strong tag of this encoding, good for If-None-Match and If-Match', async () => {
    const path = `/api/tasks/${long}`
    const plain = (await raw(path)).headers.get('etag') ?? ''
    const packed = (await raw(path, { accept })).headers.get('etag') ?? ''
    expect(plain).toMatch(/^"\d+\.[0-9a-z]+"$/)
    expect(packed).toBe(`${plain.slice(0, -1)}-${accept}"`)
    for (const tag of [plain, packed]) {
      const known = await raw(path, { accept, headers: { 'if-none-match': tag } })
      expect([known.status, known.headers.get('etag')]).toEqual([304, tag])
    }
    const json = { 'content-type': 'application/json' }
    const write = (tag: string) =>
      fetch(`${server.url}${path}`, {
        method: 'PUT',
        headers: {
          authorization: 'Bearer alice',
          ...json,
          'if-match': tag,
          'accept-encoding': accept,
        },
        body: '{"title":"long"}',
      })
    const written = await write(packed)
    expect([written.status, written.headers.get('content-encoding')]).toEqual([200, null])
    expect(written.headers.get('etag')).toBe(plain)
    const stale = packed.replace(/^"(\d+)/, (_, revision) => `"${Number(revision) + 1}`)
    expect((await write(stale)).status).toBe(412)
    expect((await write(`"${plain.slice(1, -1)}-br"`)).status).toBe(412)
  })

  test('HEAD has the headers of GET', async () => {
    for (const path of [`/api/tasks/${long}`, '/docs/assets/swagger-ui.css']) {
      const get = await raw(path, { accept })
      const head = await raw(path, { accept, method: 'HEAD' })
      for (const name of ['content-encoding', 'etag', 'content-type', 'vary']) {
        expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)])
      }
      expect(head.headers.get('content-length')).toBe(String((await get.bytes()).byteLength))
    }
  })

  test('what is short, an image, an error or an event stream is sent as it is', async () => {
    for (const path of [
      `/api/tasks/${short}`,
      '/health',
      '/docs/assets/favicon-32x32.png',
      `/api/tasks?${'x'.repeat(90)}=1&${'y'.repeat(2000)}=2`,
    ]) {
      const response = await raw(path, { accept })
      expect([path, response.headers.get('content-encoding')]).toEqual([path, null])
      await response.bytes()
    }
    const abort = new AbortController()
    const events = await fetch(`${server.url}/api/events`, {
      headers: { authorization: 'Bearer page', 'accept-encoding': accept },
      signal: abort.signal,
    })
    expect(events.headers.get('content-encoding')).toBeNull()
    abort.abort()
  })

  test('clients that leave in the middle of a list free what they held', async () => {
    for (let n = 0; n < 12; n++) {
      const abort = new AbortController()
      const response = await fetch(`${server.url}/api/tasks`, {
        decompress: false,
        headers: { authorization: 'Bearer stream', 'accept-encoding': accept },
        signal: abort.signal,
      })
      await response.body?.getReader().read()
      abort.abort()
    }
    await eventually(async () => {
      const response = await raw('/api/tasks', { as: 'stream', accept })
      await response.bytes()
      return response.headers.get('content-encoding') === accept
    }, 'lists are compressed again')
  })
})

test('no more responses than eight are compressed at once in other threads; others are sent as they are', async () => {
  const list = () =>
    http.call('GET', '/api/tasks', { as: 'stream', headers: { 'accept-encoding': 'gzip' } })
  const responses = await Promise.all(Array.from({ length: 12 }, () => list()))
  const encodings = responses.map(({ headers }) => headers.get('content-encoding'))
  expect(encodings.filter((encoding) => encoding === 'gzip')).toHaveLength(8)
  const texts = await Promise.all(responses.map(decoded))
  expect(new Set(texts).size).toBe(1)
  const next = await list()
  expect(next.headers.get('content-encoding')).toBe('gzip')
  await next.body?.cancel()
  for (let n = 0; n < 20; n++) {
    const left = await list()
    expect(left.headers.get('content-encoding')).toBe('gzip')
    await left.body?.cancel()
  }
})

test.each([
  [null, undefined],
  ['', undefined],
  ['identity', undefined],
  ['br', undefined],
  ['gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['GZIP;q=0.5 , Zstd;q=0', 'gzip'],
  ['gzip;q=1.0, zstd;q=0.9', 'gzip'],
  ['gzip;q=0', undefined],
  ['*', 'zstd'],
  ['*;q=0.1, zstd;q=0', 'gzip'],
  ['identity;q=1, *;q=0', undefined],
  ['gzip;q=x', undefined],
] as const)('Accept-Encoding %p means %p', (header, encoding) => {
  expect(acceptedEncoding(header)).toBe(encoding as never)
})
