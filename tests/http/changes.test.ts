import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type RunningServer, serve } from '../../src/adapters/http/serve.ts'
import type { TaskStore } from '../../src/application/ports.ts'
import { newTask } from '../../src/domain/task.ts'
import { type EventReader, readEvents } from '../support/events.ts'
import { type Http, json, openHttp } from '../support/http.ts'
import { emptyStorage } from '../support/storages.ts'
import { commitOf, countingIds, NOON, put } from '../support/tasks.ts'

setDefaultTimeout(20_000)

let tasks: TaskStore
let http: Http

beforeEach(async () => {
  tasks = (await emptyStorage()).tasks
  http = openHttp(tasks)
})

const until = async (what: string, reached: () => Promise<boolean> | boolean): Promise<void> => {
  const deadline = Date.now() + 15_000
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}.`)
    await Bun.sleep(5)
  }
}

const create = async (title: string, as = 'alice') =>
  json(http.call('POST', '/api/tasks', { body: { title }, as }))

describe('Idempotency-Key', () => {
  const keyed = (key: string, body: object = { title: 'a' }) =>
    http.call('POST', '/api/tasks', { body, headers: headersOf(key) })
  const headersOf = (key: string) => ({
    'idempotency-key': key,
    'content-type': 'application/json',
  })

  test('a retry receives the same status, body and headers, and Idempotency-Replayed', async () => {
    const first = await keyed('k')
    const again = await keyed('k')
    expect([first.status, again.status]).toEqual([201, 201])
    expect(await again.text()).toBe(await first.text())
    for (const name of ['etag', 'location', 'content-type']) {
      expect(again.headers.get(name)).toBe(first.headers.get(name))
    }
    expect(first.headers.has('idempotency-replayed')).toBe(false)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await json(http.call('GET', '/api/tasks'))).toHaveLength(1)
  })

  test('a key is the same bare and quoted', async () => {
    await keyed('a-key')
    expect((await keyed('"a-key"')).headers.get('idempotency-replayed')).toBe('true')
  })

  test.each(['', ' ', '""', 'a b', 'é', 'x'.repeat(256), '"a" "b"'])('rejects %p', async (key) => {
    const response = await keyed(key)
    expect(response.status).toBe(400)
    expect((await json(response)).detail).toContain('Idempotency-Key must have 1 to 255')
  })

  test('a key may have 255 characters', async () => {
    expect((await keyed('x'.repeat(255))).status).toBe(201)
  })

  test('with another body, address or method it is 422, and nothing happens', async () => {
    const { id } = await json(keyed('k'))
    const others = [
      keyed('k', { title: 'b' }),
      http.call('PATCH', `/api/tasks/${id}`, { body: { title: 'a' }, headers: headersOf('k') }),
      http.call('PATCH', `/api/tasks/${id}/complete`, { headers: headersOf('k') }),
      http.call('DELETE', `/api/tasks/${id}`, { headers: headersOf('k') }),
    ]
    for (const response of await Promise.all(others)) {
      expect(response.status).toBe(422)
      expect((await json(response)).type).toBe('urn:taskport:problem:key-reused')
    }
    expect(await json(http.call('GET', '/api/tasks'))).toMatchObject([{ title: 'a', revision: 1 }])
  })

  test('a lost response is replayed even after later changes', async () => {
    const { id } = await create('a')
    const headers = { ...headersOf('k'), 'if-match': '"1"' }
    const toggle = () => http.call('PATCH', `/api/tasks/${id}/complete`, { headers })
    const first = await (await toggle()).text()
    await http.call('DELETE', `/api/tasks/${id}`)
    expect(await (await toggle()).text()).toBe(first)
  })
})

describe('POST /api/tasks/batch', () => {
  const batch = (operations: unknown, more: object = {}) =>
    http.call('POST', '/api/tasks/batch', { body: { operations, ...more } })

  test('applies all operations and returns each change as in the feed', async () => {
    const { id } = await create('a')
    const response = await batch([
      { op: 'create', body: { title: 'b', due_date: '2026-12-24' } },
      { op: 'update', id, if_match: 1, body: { title: 'c', revision: 1 } },
      { op: 'complete', id, if_match: '"1"' },
      { op: 'complete', id, body: { completed: true } },
      { op: 'delete', id, if_match: '*' },
    ])
    expect(response.status).toBe(200)
    expect((await json(response)).changes).toMatchObject([
      { op: 'upsert', revision: 2, task: { title: 'b', due_date: '2026-12-24', revision: 2 } },
      { op: 'upsert', revision: 3, task: { title: 'c', revision: 3 } },
      { op: 'upsert', revision: 4, task: { completed: true, revision: 4 } },
      { op: 'upsert', revision: 4, task: { completed: true, revision: 4 } },
      { op: 'delete', revision: 5, id },
    ])
    expect(await json(http.call('GET', '/api/tasks'))).toMatchObject([{ title: 'b' }])
  })

  test('names every bad member of every operation by its pointer', async () => {
    const response = await batch([
      { op: 'create', body: { title: 5, titel: 'x' } },
      { op: 'create', id: 'x', body: { title: 'x' } },
      { op: 'rename', id: 'x' },
      { op: 'update', body: {} },
      { op: 'update', id: 'x' },
      { op: 'complete', id: 'x', body: { completed: null } },
      { op: 'delete', id: 'x', if_match: true },
      { op: 'delete', id: 'x', if_match: '41' },
      'nothing',
    ])
    expect(response.status).toBe(400)
    const { errors } = await json(response)
    expect(errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/operations/0/body/titel',
      '/operations/0/body/title',
      '/operations/1/id',
      '/operations/2/op',
      '/operations/3/id',
      '/operations/4/body',
      '/operations/5/body/completed',
      '/operations/6/if_match',
      '/operations/7/if_match',
      '/operations/8/op',
    ])
    for (const { detail } of errors) expect(detail).toMatch(/^(must|is)/)
  })

  test('rejects values that the domain finds invalid', async () => {
    const title = 'x'.repeat(201)
    const response = await batch([
      { op: 'create', body: { title: 'fine' } },
      { op: 'create', body: { title } },
    ])
    expect((await json(response)).errors).toMatchObject([{ pointer: '/operations/1/body/title' }])
    expect(await json(http.call('GET', '/api/tasks'))).toEqual([])
  })

  test('reports fields of the wrong type and invalid values together', async () => {
    const { id } = await create('a')
    const response = await batch([
      { op: 'create', body: { title: '', priority: 5, due_date: '2026-02-30' } },
      { op: 'create', body: { title: 'x'.repeat(201) } },
      { op: 'update', id, if_match: 'x', body: { remind_at: '2026-02-10' } },
      { op: 'update', id: 1, body: { description: 'x'.repeat(1001), colour: 'red' } },
      { op: 'create', body: { title: 'fine' } },
    ])
    const { errors } = await json(response)
    expect(errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/operations/0/body/due_date',
      '/operations/0/body/priority',
      '/operations/0/body/title',
      '/operations/1/body/title',
      '/operations/2/body/remind_at',
      '/operations/2/if_match',
      '/operations/3/body/colour',
      '/operations/3/body/description',
      '/operations/3/id',
    ])
  })

  test.each([[[]], [{}], ['x'], [null], [Array(101).fill({ op: 'create', body: { title: 'x' } })]])(
    'rejects anything but a list of 1 to 100 operations',
    async (operations) => {
      const response = await batch(operations)
      expect(response.status).toBe(400)
      expect((await json(response)).detail).toContain('1 to 100')
    },
  )

  test('100 are carried out; 403, 404 and 412 say which it was', async () => {
    const many = Array.from({ length: 100 }, (_, n) => ({ op: 'create', body: { title: `${n}` } }))
    expect((await json(batch(many))).changes).toHaveLength(100)
    const { id } = await create('theirs', 'bob')
    const mine = await create('mine')
    const good = { op: 'create', body: { title: 'x' } }
    for (const [operation, status] of [
      [{ op: 'delete', id }, 403],
      [{ op: 'delete', id: Bun.randomUUIDv7() }, 404],
      [{ op: 'delete', id: mine.id, if_match: 7 }, 412],
    ] as const) {
      const response = await batch([good, operation])
      expect(response.status).toBe(status)
      expect((await json(response)).errors).toMatchObject([{ pointer: '/operations/1' }])
    }
  })
})

describe('GET /api/changes', () => {
  const changes = (search = '', as = 'alice') =>
    json(http.call('GET', `/api/changes${search}`, { as }))

  test('returns a snapshot, then the changes since a cursor or a revision', async () => {
    const [a, b] = [await create('a'), await create('b')]
    const snapshot = await changes()
    expect(snapshot).toEqual({
      changes: [
        { op: 'upsert', revision: 1, task: a },
        { op: 'upsert', revision: 2, task: b },
      ],
      revision: 2,
      cursor: expect.stringMatching(/^2\.[0-9a-z]+$/),
      has_more: false,
    })
    await http.call('DELETE', `/api/tasks/${a.id}`)
    for (const since of [snapshot.cursor, '2', b.revision]) {
      expect(await changes(`?since=${since}`)).toMatchObject({
        changes: [{ op: 'delete', revision: 3, id: a.id }],
        revision: 3,
        has_more: false,
      })
    }
    expect((await changes('?since=0')).changes).toHaveLength(2)
    expect(await changes('', 'bob')).toEqual({
      changes: [],
      revision: 0,
      cursor: '0',
      has_more: false,
    })
    expect(await changes('?since=0', 'bob')).toMatchObject({ changes: [], revision: 0 })
  })

  test('pages with has_more; the cursor of a snapshot survives a purge', async () => {
    for (const title of ['a', 'b', 'c']) await create(title)
    const { id } = await create('gone')
    await http.call('DELETE', `/api/tasks/${id}`)
    const first = await changes('?limit=2')
    expect(first).toMatchObject({ revision: 2, has_more: true })
    expect(first.cursor).toMatch(/^2\.[0-9a-z]+\.5$/)
    await tasks.purge('alice', { tombstones: '9999', records: '9999', revisions: 1000 }, 100)
    const second = await changes(`?limit=2&since=${first.cursor}`)
    expect(second).toMatchObject({ changes: [{ revision: 3 }], revision: 5, has_more: false })
    expect(second.cursor).toMatch(/^5\.[0-9a-z]+$/)
    const plain = await http.call('GET', '/api/changes?since=2')
    expect([plain.status, (await json(plain)).type]).toEqual([410, 'urn:taskport:problem:gone'])
  })

  test.each([
    '?since=1.zzz',
    '?since=9',
    '?since=9.a',
    '?since=9007199254740993',
    `?since=${'9'.repeat(400)}`,
    `?since=9.a.${'9'.repeat(20)}`,
  ])('%s is gone', async (search) => {
    await create('a')
    const response = await http.call('GET', `/api/changes${search}`)
    expect(response.status).toBe(410)
    expect((await json(response)).detail).toContain('Start again without since')
  })

  test.each([
    ['?since=', 'since'],
    ['?since=-1', 'since'],
    ['?since=01', 'since'],
    ['?since=1.5e3!', 'since'],
    ['?since=1&since=2', 'since'],
    ['?limit=0', 'limit'],
    ['?limit=1001', 'limit'],
    ['?limit=ten', 'limit'],
    ['?from=1', 'from'],
  ])('%s is refused', async (search, parameter) => {
    const response = await http.call('GET', `/api/changes${search}`)
    expect(response.status).toBe(400)
    expect((await json(response)).errors).toMatchObject([{ parameter }])
  })
})

describe('GET /api/events', () => {
  let server: RunningServer
  const readers: EventReader[] = []
  const listen = (options: Parameters<typeof openHttp>[1] = {}): void => {
    http = openHttp(tasks, options)
    server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
  }
  const events = async (search = '', headers: Record<string, string> = {}, as = 'alice') => {
    const reader = await readEvents(`${server.url}/api/events${search}`, {
      authorization: `Bearer ${as}`,
      ...headers,
    })
    readers.push(reader)
    return reader
  }
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close()
    await server.stop(0)
  })

  test('sends the tasks, then each change, with their revisions as ids', async () => {
    listen()
    const a = await create('a')
    const stream = await events()
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    expect(await stream.next()).toEqual({
      id: '1',
      data: { op: 'upsert', revision: 1, task: a },
    })
    expect(await stream.next()).toMatchObject({
      event: 'current',
      id: '1',
      data: { revision: 1, cursor: expect.stringMatching(/^1\./) },
    })
    await create('not for alice', 'bob')
    const b = await create('b')
    expect(await stream.next()).toMatchObject({ id: '2', data: { task: b } })
    expect(await stream.next()).toMatchObject({ event: 'current' })
    await http.call('DELETE', `/api/tasks/${a.id}`)
    expect(await stream.next()).toEqual({ id: '3', data: { op: 'delete', revision: 3, id: a.id } })
  })

  test('resumes after since, or after Last-Event-ID, which takes precedence', async () => {
    listen()
    for (const title of ['a', 'b', 'c']) await create(title)
    const { cursor } = await json(http.call('GET', '/api/changes?limit=1'))
    const first = async (stream: EventReader) => (await stream.next())?.id
    expect(await first(await events('?since=2'))).toBe('3')
    expect(await first(await events(`?since=${cursor}`))).toBe('2')
    expect(await first(await events('', { 'last-event-id': '2' }))).toBe('3')
    expect(await first(await events(`?since=${cursor}`, { 'last-event-id': '2' }))).toBe('3')
    const { history } = /\.(?<history>\w+)/.exec(cursor)?.groups ?? {}
    for (const [search, id, status] of [
      ['?since=1.another', '2', 410],
      [`?since=1.${history}`, '9', 410],
      ['?since=9', '', 410],
      ['?since=9007199254740993', '', 410],
      ['', '9007199254740993', 410],
      ['', '9'.repeat(400), 410],
      ['', 'nonsense', 400],
      ['?limit=1', '', 400],
    ] as const) {
      const response = await http.call('GET', `/api/events${search}`, {
        headers: { 'last-event-id': id },
      })
      expect([search, id, response.status]).toEqual([search, id, status])
    }
  })

  test('more than a page arrives completely and in order', async () => {
    listen()
    for (let n = 0; n < 250; n++) await put(tasks, 'alice', `task ${n}`)
    const stream = await events()
    for (let n = 1; n <= 250; n++) expect((await stream.next())?.id).toBe(String(n))
    expect(await stream.next()).toMatchObject({ event: 'current', data: { revision: 250 } })
  })

  test('sends heartbeats', async () => {
    listen({ streams: { heartbeat: 20 } })
    const stream = await events()
    await stream.heartbeats(3)
  })

  test('ends when its token expires', async () => {
    const expires_at = Date.now() + 300
    listen({ verify: (token) => ({ user_id: token, expires_at }) })
    const stream = await events()
    expect(await stream.next()).toMatchObject({ event: 'current' })
    expect(await stream.next()).toBeUndefined()
    expect(Date.now()).toBeGreaterThanOrEqual(expires_at)
  })

  test('a user has a limited number of streams; a closed one makes room', async () => {
    listen({ streams: { perUser: 2 } })
    const [first] = [await events(), await events()]
    await events('', {}, 'bob')
    const refused = await http.call('GET', '/api/events')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30'])
    expect((await json(refused)).detail).toContain('2 event streams')
    first?.close()
    await until('a stream is closed', () => http.streams() === 2)
    const admitted = await http.call('GET', '/api/events')
    await admitted.body?.cancel()
    expect(admitted.status).toBe(200)
  })

  const heldBack = () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
    const whole = tasks
    tasks = {
      ...whole,
      changes: async (...query) => {
        reach()
        await released
        return whole.changes(...query)
      },
    }
    return { reached, release }
  }

  test('all users together have a limited number of streams', async () => {
    listen({ streams: { most: 2 } })
    const streams = [await events(), await events('', {}, 'bob')]
    const refused = await http.call('GET', '/api/events', { as: 'carol' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
    streams[0]?.close()
    await until('a stream is closed', () => http.streams() === 1)
    const admitted = await http.call('GET', '/api/events', { as: 'carol' })
    await admitted.body?.cancel()
    expect(admitted.status).toBe(200)
  })

  test('concurrently opened streams count, and a failed one makes room', async () => {
    const { reached, release } = heldBack()
    listen({ streams: { perUser: 2 } })
    const opening = Array.from({ length: 5 }, () => http.call('GET', '/api/events'))
    await reached
    release()
    const responses = await Promise.all(opening)
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429, 429])
    for (const { body } of responses) await body?.cancel()
    expect(http.streams()).toBe(0)
    for (let n = 0; n < 3; n++) {
      expect((await http.call('GET', '/api/events?since=99')).status).toBe(410)
    }
    expect(http.streams()).toBe(0)
  })

  test('a stream is not opened if the server stops meanwhile', async () => {
    const { reached, release } = heldBack()
    listen()
    const opening = http.call('GET', '/api/events')
    await reached
    http.endStreams()
    release()
    const response = await opening
    await response.body?.cancel()
    expect(response.status).toBe(503)
    expect(http.streams()).toBe(0)
  })

  test('does not delay a shutdown, and ends after a complete event', async () => {
    listen()
    const streams = [await events(), await events()]
    for (const stream of streams) expect(await stream.next()).toMatchObject({ event: 'current' })
    http.endStreams()
    await server.stop(60_000)
    for (const stream of streams) expect(await stream.next()).toBeUndefined()
    const refused = await http.call('GET', '/api/events')
    expect(refused.status).toBe(503)
  })

  test('a client that stops reading is disconnected, and loses nothing when it reconnects', async () => {
    listen({ streams: { heartbeat: 50 }, taskQuota: 100_000 })
    let count = 0
    const newId = countingIds()
    const write = async (hundreds: number): Promise<void> => {
      const description = '😀'.repeat(1000)
      for (let hundred = 0; hundred < hundreds; hundred++) {
        const writes = Array.from({ length: 100 }, (_, n) => ({
          op: 'create' as const,
          task: newTask(newId(NOON), 'alice', { title: `${n}`, description }, NOON),
          revisionOffset: n + 1,
        }))
        await tasks.commit(commitOf('alice', writes))
      }
      await create('the last')
      count += hundreds * 100 + 1
    }
    await write(20)
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    let last = 0
    let reading = false
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: Number(new URL(server.url).port),
      socket: {
        open: (peer) => {
          peer.write(
            'GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n\r\n',
          )
        },
        data: (peer, data) => {
          const ids = [...data.toString().matchAll(/^id: (\d+)\ndata: .*\}$/gm)]
          last = Math.max(last, Number(ids.at(-1)?.[1] ?? 0))
          if (!reading) peer.pause()
        },
        close: () => resolve(),
        error: () => resolve(),
      },
    })
    await until('the stream is open', () => last > 0)
    await until('the stream is cut off, though nothing changes', () => http.streams() === 0)
    await write(1)
    reading = true
    socket.resume()
    await gone
    expect(last).toBeGreaterThan(0)
    expect(last).toBeLessThan(count)
    const stream = await events(`?since=${last}`)
    for (let n = last + 1; n <= count; n++) expect((await stream.next())?.id).toBe(String(n))
  })

  test('a stream is aborted if the storage fails', async () => {
    let broken = false
    const whole = tasks
    tasks = {
      ...whole,
      changes: (...query) =>
        broken ? Promise.reject(new Error('broken')) : whole.changes(...query),
    }
    const { promise: failure, resolve: onFailure } = Promise.withResolvers<unknown>()
    listen({ streams: { onFailure } })
    const stream = await events()
    expect(await stream.next()).toMatchObject({ event: 'current' })
    broken = true
    await create('a')
    await expect(stream.next()).rejects.toThrow()
    expect(await failure).toMatchObject({ message: 'broken' })
    expect(http.streams()).toBe(0)
  })

  test('HEAD returns the headers and opens no stream', async () => {
    listen()
    const response = await http.call('HEAD', '/api/events')
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream',
    ])
    expect(await response.text()).toBe('')
    expect(http.streams()).toBe(0)
  })
})
