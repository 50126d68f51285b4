import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type Connection, type FollowedChanges, TaskportError, taskport } from '../client/index.ts'
import { type RunningServer, serve } from '../src/adapters/http/serve.ts'
import { memoryStorage } from '../src/adapters/memory/storage.ts'
import type { TaskStore } from '../src/application/ports.ts'
import { DomainError } from '../src/domain/errors.ts'
import { temporaryFolder } from './support/folder.ts'
import { type Http, openHttp, plainTokens } from './support/http.ts'
import { killServers, SHARED, startServer, tokenFor } from './support/server.ts'
import { within } from './support/wait.ts'

setDefaultTimeout(60_000)

let tasks: TaskStore
let http: Http
let server: RunningServer

const begin = (options: Parameters<typeof openHttp>[1] = {}): void => {
  http = openHttp(tasks, options)
  server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
}

beforeEach(() => {
  tasks = memoryStorage().tasks
  begin()
})
afterEach(async () => {
  http.endStreams()
  await server.stop(0)
  killServers()
})

const clientOf = (more: Partial<Connection> = {}) =>
  taskport({ url: server.url, token: () => 'alice', pause: 1, ...more })

const until = async (condition: () => boolean, what: string): Promise<void> => {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Not within 10 seconds: ${what}`)
    await Bun.sleep(1)
  }
}

/** Counts requests, and does with each what `fault` says. */
const faulty = (fault: (count: number, send: () => Promise<Response>) => Promise<Response>) => {
  const sent: RequestInit[] = []
  const send: Connection['fetch'] = (url, init) => {
    sent.push(init)
    return fault(sent.length, () => fetch(url, init))
  }
  return { sent, send }
}

test('does everything the server can', async () => {
  const client = clientOf()
  const milk = await client.create({ title: 'Buy milk', due_date: '2026-12-24' })
  const rent = await client.create({ title: 'Pay rent', priority: 'high' })
  expect(await client.list()).toEqual([rent, milk])
  expect(await client.list({ priority: 'high' })).toEqual([rent])
  const edited = await client.update(milk.id, { title: 'Buy oat milk' }, { ifMatch: milk })
  expect(edited).toMatchObject({ title: 'Buy oat milk', due_date: '2026-12-24', revision: 3 })
  expect(await client.complete(milk.id)).toMatchObject({ completed: true })
  expect(await client.complete(milk.id, false)).toMatchObject({ completed: false })
  expect(await client.get(milk.id)).toMatchObject({ revision: 5 })
  await client.delete(milk.id, { ifMatch: 5 })
  expect(
    await client.batch([
      { op: 'create', body: { title: 'a' } },
      { op: 'delete', id: rent.id, if_match: rent.revision },
    ]),
  ).toMatchObject([{ revision: 7 }, { op: 'delete', revision: 8 }])
  const changes = await client.changes({ since: 5 })
  expect(changes.changes.map(({ op, revision }) => [op, revision])).toEqual([
    ['delete', 6],
    ['upsert', 7],
    ['delete', 8],
  ])
  expect(await client.changes({ since: changes.cursor, limit: 1 })).toMatchObject({ changes: [] })
})

test('follows the links of a list in pages', async () => {
  const client = clientOf()
  for (let n = 0; n < 5; n++) await client.create({ title: `task ${n}` })
  const sizes: number[] = []
  for await (const page of client.pages({ sort: 'title' }, 2)) sizes.push(page.length)
  expect(sizes).toEqual([2, 2, 1])
})

describe('an error', () => {
  test('says what the server said', async () => {
    const client = clientOf()
    const error = await client.create({ title: '' }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(TaskportError)
    expect(error).toMatchObject({
      status: 400,
      type: 'urn:taskport:problem:invalid',
      errors: [{ pointer: '/title' }],
    })
    expect(error.message).toBe('title must have 1 to 200 characters.')
    const task = await client.create({ title: 'a' })
    await client.update(task.id, { title: 'b' })
    await expect(client.update(task.id, { title: 'c' }, { ifMatch: task })).rejects.toMatchObject({
      status: 412,
    })
    await expect(client.get('../../health')).rejects.toMatchObject({ status: 404 })
  })
})

describe('sends again', () => {
  test('what was lost on the way or on the way back, with one key, and nothing twice', async () => {
    for (const lost of ['request', 'answer'] as const) {
      const { sent, send } = faulty(async (count, pass) => {
        if (count > 2) return pass()
        if (lost === 'answer') await pass()
        throw new TypeError('connection lost')
      })
      const task = await clientOf({ fetch: send }).create({ title: lost })
      expect(sent).toHaveLength(3)
      const keys = sent.map(({ headers }) => new Headers(headers).get('idempotency-key'))
      expect([new Set(keys).size, keys[0]?.length]).toEqual([1, 32])
      expect(await clientOf().get(task.id)).toEqual(task)
    }
    expect(await clientOf().list()).toHaveLength(2)
  })

  test('to a server that is away for a while, until it has had enough', async () => {
    let away = 2
    tasks = {
      ...tasks,
      ready: tasks.ready,
      list: (...query) =>
        away-- > 0
          ? Promise.reject(new DomainError('unavailable', 'Away.'))
          : memoryStorage().tasks.list(...query),
    }
    await server.stop(0)
    begin()
    const { sent, send } = faulty(async (_, pass) => {
      const response = await pass()
      response.headers.delete('retry-after')
      return response
    })
    expect(await clientOf({ fetch: send }).list()).toEqual([])
    expect(sent).toHaveLength(3)
    away = 99
    await expect(clientOf({ fetch: send, attempts: 4 }).list()).rejects.toMatchObject({
      status: 503,
    })
    expect(sent).toHaveLength(7)
  })

  test('as late as Retry-After says, unless it is called off', async () => {
    const { sent, send } = faulty(async () =>
      Response.json({}, { status: 503, headers: { 'retry-after': '3600' } }),
    )
    const abort = new AbortController()
    const listing = clientOf({ fetch: send }).list({}, { signal: abort.signal })
    await until(() => sent.length > 0, 'the first attempt')
    abort.abort()
    await expect(listing).rejects.toThrow()
    expect(sent).toHaveLength(1)
  })

  test('but not what the server refuses', async () => {
    const { sent, send } = faulty((_, pass) => pass())
    await expect(clientOf({ fetch: send }).get(Bun.randomUUIDv7())).rejects.toMatchObject({
      status: 404,
    })
    expect(sent).toHaveLength(1)
  })
})

test('gets another token when one is refused, once', async () => {
  const refusals: (string | undefined)[] = []
  const token = async (refused?: string) => {
    refusals.push(refused)
    return refused === undefined ? 'expired' : 'alice'
  }
  expect(await clientOf({ token }).list()).toEqual([])
  expect(refusals).toEqual([undefined, 'expired'])
  await expect(clientOf({ token: () => 'expired' }).list()).rejects.toMatchObject({ status: 401 })
})

describe('follow', () => {
  const abort = () => new AbortController()
  const lines = ({ changes, reset }: FollowedChanges): string[] => [
    ...(reset ? ['reset'] : []),
    ...changes.map((change) => (change.op === 'upsert' ? change.task.title : 'deleted')),
  ]

  test('begins with a snapshot, then yields what happens', async () => {
    const client = clientOf()
    const { id } = await client.create({ title: 'a' })
    const control = abort()
    const following = client.follow({ signal: control.signal })
    const next = async () => lines((await following.next()).value)
    expect(await next()).toEqual(['reset', 'a'])
    const soon = next()
    await client.create({ title: 'b' })
    expect(await soon).toEqual(['b'])
    await client.delete(id)
    expect(await next()).toEqual(['deleted'])
    control.abort()
    expect(await following.next()).toMatchObject({ done: true })
  })

  test('goes on from a cursor that was kept, across a server that restarts', async () => {
    const folder = temporaryFolder()
    const first = await startServer(folder, SHARED)
    const { token } = await tokenFor(folder, ['--sub', 'alice'])
    const connection = { url: first.url, token: () => token, pause: 1 }
    const client = taskport(connection)
    await client.create({ title: 'a' })
    const { cursor } = await client.changes()
    const control = abort()
    const following = client.follow({ since: cursor, signal: control.signal })
    const next = async () => lines((await following.next()).value)
    await client.create({ title: 'b' })
    expect(await next()).toEqual(['b'])
    const soon = next()
    first.signal('SIGKILL')
    await within(first.exited, 'The process did not end.')
    const again = await startServer(folder, { ...SHARED, PORT: new URL(first.url).port })
    await client.create({ title: 'c' })
    expect(await soon).toEqual(['c'])
    control.abort()
    again.signal('SIGTERM')
    await within(again.exited, 'The process did not end.')
  })

  test('starts over when its cursor has expired', async () => {
    const client = clientOf()
    await client.create({ title: 'a' })
    const control = abort()
    const following = client.follow({ since: '1.another', signal: control.signal })
    expect(lines((await following.next()).value)).toEqual(['reset', 'a'])
    control.abort()
  })

  test('gets a new token when the old one has expired', async () => {
    let expires_at = Number.POSITIVE_INFINITY
    await server.stop(0)
    begin({
      verify: (token) => ({ ...(plainTokens(token) as object), user_id: token, expires_at }),
    })
    const client = clientOf()
    const control = abort()
    const following = client.follow({ signal: control.signal })
    expires_at = Date.now() + 100
    expect(lines((await following.next()).value)).toEqual(['reset'])
    const soon = following.next()
    await until(() => http.streams() > 0, 'an open stream')
    await until(() => http.streams() === 0, 'the end of the stream')
    expires_at = Number.POSITIVE_INFINITY
    await client.create({ title: 'later' })
    expect(lines((await soon).value)).toEqual(['later'])
    control.abort()
  })

  test('ends with an error that will not pass', async () => {
    const following = clientOf({ token: () => 'bad' }).follow()
    await expect(following.next()).rejects.toMatchObject({ status: 401 })
  })
})
