import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  type Connection,
  type FollowStatus,
  type Task,
  TaskportError,
  taskport,
} from '../client/index.ts'

setDefaultTimeout(20_000)

const servers: Bun.Server<undefined>[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(true)))
})

type Respond = (request: Request, count: number) => Response | Promise<Response>

/** A client of a server that responds as `respond` says, and the requests that came. */
const open = (respond: Respond, more: Partial<Connection> = {}) => {
  const requests: { url: URL; headers: Headers }[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      const headers = new Headers(request.headers)
      return respond(request, requests.push({ url: new URL(request.url), headers }))
    },
  })
  servers.push(server)
  const url = server.url.origin
  return { requests, client: taskport({ url, token: () => 'alice', pause: 1, ...more }) }
}

const within = async <Value>(promise: Promise<Value>, what: string): Promise<Value> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`Not within 5 seconds: ${what}`)), 5000)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

const rejection = (promise: Promise<unknown>, what: string): Promise<unknown> =>
  within(
    promise.then(
      () => expect.unreachable(`${what} did not reject`),
      (error: unknown) => error,
    ),
    what,
  )

const problem = (status: number, headers: Record<string, string> = {}): Response =>
  Response.json({ detail: `Problem ${status}.` }, { status, headers })

const EMPTY = { changes: [], revision: 0, cursor: '0.a', has_more: false }
const CURRENT = `event: current\ndata: {"cursor":"0.a"}\n\n`
const EVENTS = { headers: { 'content-type': 'text/event-stream' } }

/** Serves an empty feed, and a stream that is up to date and then ends or stays open. */
const feed =
  (stream: 'ends' | 'stays'): Respond =>
  ({ url }) => {
    if (!url.includes('/api/events')) return Response.json(EMPTY)
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode(CURRENT))
        if (stream === 'ends') controller.close()
      },
    })
    return new Response(body, EVENTS)
  }

/** The statuses of a `follow` until one satisfies `last`, and what ended it, if anything did. */
const statusesUntil = async (
  client: ReturnType<typeof taskport>,
  last: (statuses: readonly FollowStatus[]) => boolean,
) => {
  const statuses: FollowStatus[] = []
  const control = new AbortController()
  const onStatus = (status: FollowStatus): void => {
    statuses.push(status)
    if (last(statuses)) control.abort()
  }
  const run = async (): Promise<void> => {
    for await (const _ of client.follow({ signal: control.signal, onStatus }));
  }
  const error = await within(
    run().catch((thrown: unknown) => thrown),
    'the end of follow',
  )
  return { statuses, error }
}

const pauses = (statuses: readonly FollowStatus[]): number[] =>
  statuses.flatMap((each) => (each.status === 'waiting' ? [each.pause] : []))

describe('without a token', () => {
  const SIGN_IN = { status: 401, message: 'There is no token to send. Sign in.' }

  test('a request and a follow end at once, and nothing is sent', async () => {
    for (const token of [() => undefined, async () => null, () => '']) {
      const { client, requests } = open(() => problem(401), { token })
      const error = await rejection(client.list(), 'list')
      expect(error).toBeInstanceOf(TaskportError)
      expect(error).toMatchObject(SIGN_IN)
      expect(await rejection(client.follow().next(), 'follow')).toMatchObject(SIGN_IN)
      expect(requests).toHaveLength(0)
    }
  })

  test('to replace a refused one, they end after the first request', async () => {
    const calls: unknown[] = []
    const token = (refused?: string) => {
      calls.push(refused)
      return refused === undefined ? 'expired' : undefined
    }
    const { client, requests } = open(() => problem(401), { token })
    expect(await rejection(client.list(), 'list')).toMatchObject(SIGN_IN)
    expect(await rejection(client.follow().next(), 'follow')).toMatchObject(SIGN_IN)
    expect(calls).toEqual([undefined, 'expired', undefined, 'expired'])
    expect(requests).toHaveLength(2)
  })

  test('one is renewed once in all attempts of a request', async () => {
    const calls: unknown[] = []
    const token = (refused?: string) => {
      calls.push(refused)
      return `token ${calls.length}`
    }
    const responses = [401, 503, 503, 401]
    const { client, requests } = open((_, count) => problem(responses[count - 1] ?? 400), { token })
    expect(await rejection(client.list(), 'list')).toMatchObject({ status: 401 })
    expect(calls).toEqual([undefined, 'token 1'])
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer token 1',
      'Bearer token 2',
      'Bearer token 2',
      'Bearer token 2',
    ])
  })
})

describe('Retry-After', () => {
  test.each([
    ['7', 7000],
    ['Tue, 10 Feb 2026 12:00:07 GMT', 7000],
    ['Tuesday, 10-Feb-26 12:00:07 GMT', 7000],
    ['Tue Feb 10 12:00:07 2026', 7000],
    ['Tue, 10 Feb 2026 11:59:00 GMT', 0],
    ['Tue, 10 Feb 2037 12:00:00 GMT', 300_000],
    ['99999999999', 300_000],
    ['-1', 0],
    ['soon', 0],
  ])('%s is a pause of %d ms', async (text, expected) => {
    const headers = { 'retry-after': text, date: 'Tue, 10 Feb 2026 12:00:00 GMT' }
    const fetch = async () => problem(503, headers)
    const client = taskport({ url: 'http://localhost', token: () => 'alice', attempts: 1, fetch })
    expect(await rejection(client.list(), 'list')).toMatchObject({ retryAfter: expected })
  })

  test('as a date is waited for', async () => {
    const times: number[] = []
    const { client } = open((_, count) => {
      times.push(performance.now())
      const soon = new Date(Date.now() + 1000).toUTCString()
      return count === 1 ? problem(503, { 'retry-after': soon }) : Response.json([])
    })
    expect(await within(client.list(), 'list')).toEqual([])
    const [first = 0, second = 0] = times
    // The Date header may be one second older or newer than the one it was computed in.
    expect(second - first).toBeGreaterThan(900)
  })
})

describe('follow', () => {
  test('reports a token function that throws, and goes on once it does not', async () => {
    let calls = 0
    const offline = new Error('offline')
    const token = () => {
      if (++calls < 4) throw offline
      return 'alice'
    }
    const { client } = open(feed('stays'), { token })
    const { statuses, error } = await statusesUntil(
      client,
      (all) => all.at(-1)?.status === 'live' || all.length > 20,
    )
    expect(error).toBeUndefined()
    const waiting = { status: 'waiting', error: offline, pause: expect.any(Number) }
    const connecting = { status: 'connecting' }
    expect(statuses as unknown[]).toEqual([
      ...[connecting, waiting, connecting, waiting, connecting, waiting],
      ...[connecting, { status: 'live' }],
    ])
  })

  test('throws the error of the token function when there is nobody to report it to', async () => {
    const offline = new Error('offline')
    const { client } = open(feed('stays'), { token: () => Promise.reject(offline) })
    expect(await rejection(client.follow().next(), 'follow')).toBe(offline)
  })

  test.each([
    [400, 1],
    [401, 2],
    [403, 1],
  ])('ends with %d, after %d requests, of the feed and of the stream', async (status, sent) => {
    for (const at of ['/api/changes', '/api/events']) {
      const { client, requests } = open((request, count) =>
        request.url.includes(at) ? problem(status) : feed('stays')(request, count),
      )
      const { statuses, error } = await statusesUntil(client, (all) => all.length > 20)
      expect(error).toMatchObject({ status })
      expect(statuses).toEqual([{ status: 'connecting' }])
      expect(requests.filter(({ url }) => url.pathname === at)).toHaveLength(sent)
    }
  })

  test('waits longer and longer, and says why', async () => {
    const { client, requests } = open(() => problem(503), { pause: 20 })
    const { statuses } = await statusesUntil(client, (all) => pauses(all).length === 4)
    expect(statuses.at(-1)).toMatchObject({ status: 'waiting', error: { status: 503 } })
    expect(requests).toHaveLength(4)
    pauses(statuses).forEach((pause, n) => {
      expect(pause).toBeWithin(20 * 2 ** n * 0.5, 20 * 2 ** n + 1)
    })
  })

  test('waits longer and longer when its streams end at once', async () => {
    const { client } = open(feed('ends'), { pause: 50 })
    const { statuses } = await statusesUntil(client, (all) => pauses(all).length === 4)
    expect(statuses.filter(({ status }) => status === 'live')).toHaveLength(4)
    expect(statuses.at(-1)).toMatchObject({ error: undefined })
    expect(pauses(statuses).at(-1)).toBeGreaterThanOrEqual(200)
  })

  test('waits as long as Retry-After says', async () => {
    const { client } = open(() => problem(503, { 'retry-after': '60' }))
    const { statuses } = await statusesUntil(client, (all) => pauses(all).length === 1)
    expect(pauses(statuses)[0]).toBeWithin(60_000, 60_002)
  })
})

describe('an aborted signal ends at once', () => {
  const never = () => new Promise<never>(() => {})

  test.each<[string, Respond, Partial<Connection>]>([
    ['a token function that hangs', feed('stays'), { token: never }],
    ['a fetch that ignores the signal', feed('stays'), { fetch: never }],
    ['a server that hangs', never, {}],
    ['a pause', () => problem(503, { 'retry-after': '60' }), {}],
  ])('%s', async (_, respond, more) => {
    const { client } = open(respond, more)
    for (const call of [
      (signal: AbortSignal) => client.list({}, { signal }),
      (signal: AbortSignal) => client.follow({ signal, onStatus: () => {} }).next(),
    ]) {
      const control = new AbortController()
      const running = call(control.signal).then(
        (value) => value,
        (error: unknown) => error,
      )
      const reason = new Error('enough')
      setTimeout(() => control.abort(reason), 20)
      const result = await within(running, 'the end')
      expect([reason, { done: true, value: undefined }] as unknown[]).toContainEqual(result)
    }
  })

  test('a stream that is open', async () => {
    const { client } = open(feed('stays'))
    const { statuses, error } = await statusesUntil(client, (all) => all.at(-1)?.status === 'live')
    expect(error).toBeUndefined()
    expect(statuses).toEqual([{ status: 'connecting' }, { status: 'live' }])
  })
})

test('a token function that hangs has the time of an attempt', async () => {
  const token = () => new Promise<string>(() => {})
  const { client } = open(feed('stays'), { token, timeout: 20 })
  expect(await rejection(client.list(), 'list')).toMatchObject({ name: 'TimeoutError' })
})

test.each([1, 2, 7, 10_000])('events come in pieces of %d bytes, in any form', async (size) => {
  const cake = { op: 'upsert', revision: 1, task: { title: 'Gâteau 🎂' } }
  const [first, second] = JSON.stringify(cake).split(',"task"')
  const text =
    `\ufeff:\r\n\r\nretry:1\rid: 1\rdata: ${first}\rdata:,"task"${second}\r\r` +
    'id\nevent: current\ndata: {"cursor":"1.a"}\n\n'
  const bytes = new TextEncoder().encode(text)
  const { client } = open((request, count) => {
    if (!request.url.includes('/api/events')) return feed('stays')(request, count)
    const body = new ReadableStream({
      start: async (controller) => {
        for (let at = 0; at < bytes.length; at += size) {
          controller.enqueue(bytes.slice(at, at + size))
          await Bun.sleep(0)
        }
      },
    })
    return new Response(body, EVENTS)
  })
  const control = new AbortController()
  const following = client.follow({ since: '0.a', signal: control.signal })
  const { value } = await within(following.next(), 'the change')
  control.abort()
  expect(value).toEqual({ changes: [cake], cursor: '1.a', reset: false })
})

test('undefined parameters are left out', async () => {
  const { client, requests } = open(() => Response.json([]))
  await client.list({ q: undefined, sort: 'title' })
  for await (const _ of client.pages({ q: undefined, status: 'pending' }, 2));
  await client.changes({ since: undefined, limit: 5 })
  expect(requests.map(({ url }) => url.search)).toEqual([
    '?sort=title',
    '?status=pending&limit=2',
    '?limit=5',
  ])
})

test('slashes at the end of the URL are ignored', async () => {
  const { requests, client: plain } = open(feed('stays'))
  await plain.changes()
  const origin = requests[0]?.url.origin
  for (const url of [`${origin}/`, `${origin}/base//`]) {
    const client = taskport({ url, token: () => 'alice' })
    await client.changes()
    const { error } = await statusesUntil(client, (all) => all.at(-1)?.status === 'live')
    expect(error).toBeUndefined()
  }
  const paths = requests.slice(1).map(({ url }) => url.pathname)
  const expected = ['/api/changes', '/api/changes', '/api/events']
  expect(paths).toEqual([...expected, ...expected.map((path) => `/base${path}`)])
})

describe('a conditional write', () => {
  const task = { id: 'a', revision: 3 } as Task

  test('expects the ETag with which the task came, whatever its form', async () => {
    for (const etag of ['"3"', '"3.x7f"']) {
      const { client, requests } = open(() => Response.json(task, { headers: { etag } }))
      const seen = await client.get('a')
      expect(client.etag(seen)).toBe(etag)
      const updated = await client.update('a', { title: 'b' }, { ifMatch: seen })
      await client.complete('a', true, { ifMatch: updated })
      await client.delete('a', { ifMatch: client.etag(seen) })
      expect(requests.slice(1).map(({ headers }) => headers.get('if-match'))).toEqual([
        etag,
        etag,
        etag,
      ])
    }
  })

  test('expects a revision, or none', async () => {
    const { client, requests } = open(() => Response.json(task))
    for (const ifMatch of [3, task, '*', undefined]) await client.delete('a', { ifMatch })
    expect(requests.map(({ headers }) => headers.get('if-match'))).toEqual([
      '"3"',
      '"3"',
      '*',
      null,
    ])
  })

  test('fails with the ETag that the task has now', async () => {
    const { client } = open(() => problem(412, { etag: '"4.x7f"' }))
    const error = await rejection(client.delete('a', { ifMatch: 3 }), 'delete')
    expect(error).toMatchObject({ status: 412, etag: '"4.x7f"' })
  })
})
