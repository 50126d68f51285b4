import type { Change, Task } from '../../client/index.ts'
import { readEvents } from './events.ts'
import type { startReceiver } from './receiver.ts'
import { enter } from './server.ts'
import { eventually, within } from './wait.ts'

type Receiver = Awaited<ReturnType<typeof startReceiver>>

type Traffic = Readonly<{
  url: string
  wrong: string[]
  count: { done: number; unavailable: number }
  isOver: () => boolean
}>

const RETRY_MS = 20
const RESPONSE_MS = 30_000

/** Streams reconnect after 3 seconds, the jobs of a lost process are taken over after 12. */
const ARRIVAL_MS = 30_000

/** Parsed, with its status; undefined for a 503. What is neither that nor a success is wrong. */
const send = async (
  { url, wrong, count }: Traffic,
  token: string,
  method: string,
  path: string,
  { key, body }: Readonly<{ key?: string; body?: object }> = {},
): Promise<unknown> => {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(key && { 'idempotency-key': key }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(RESPONSE_MS),
  })
  const text = await response.text()
  if (response.ok) {
    count.done++
    return JSON.parse(text)
  }
  count.unavailable++
  if (response.status !== 503 || !(Number(response.headers.get('retry-after')) > 0)) {
    wrong.push(`${method} ${path}: ${response.status} ${text}`)
  }
  return undefined
}

/** A user who creates and toggles tasks, follows the event stream and has a webhook. */
const startUser = async (traffic: Traffic, name: string, receiver: Receiver) => {
  const { url, wrong, isOver } = traffic
  const { token } = await enter(url, 'sign-up', `${name}@example.com`)
  /** What each revision was acknowledged for, and the last one of each task. */
  const acknowledged = new Map<number, string>()
  const last = new Map<string, number>()
  const copy = new Map<string, number>()
  const stop = new AbortController()

  const acknowledge = ({ id, revision }: Task): void => {
    if (acknowledged.has(revision)) wrong.push(`${name}: revision ${revision} was given twice`)
    acknowledged.set(revision, id)
    last.set(id, Math.max(revision, last.get(id) ?? 0))
  }
  /** With the same key until it has an outcome. */
  const write = async (method: string, path: string, body?: object): Promise<Task> => {
    const key = Bun.randomUUIDv7()
    for (;;) {
      const task = await send(traffic, token, method, path, { key, ...(body && { body }) })
      if (task) return task as Task
      await Bun.sleep(RETRY_MS)
    }
  }
  const work = async (writer: number): Promise<void> => {
    for (let n = 0; !isOver(); n++) {
      const task = await write('POST', '/api/tasks', { title: `${name} ${writer}/${n}` })
      acknowledge(task)
      const toggled = await write('PATCH', `/api/tasks/${task.id}/complete`)
      if (!toggled.completed) wrong.push(`${name}: ${task.id} was toggled twice`)
      acknowledge(toggled)
      await send(traffic, token, 'GET', '/api/tasks?limit=20')
      await Bun.sleep(RETRY_MS)
    }
  }
  /** Begins again after the last event id whenever a stream ends. */
  const follow = async (): Promise<void> => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    let seen = 0
    while (!stop.signal.aborted) {
      const events = await readEvents(`${url}/api/events?since=0`, headers).catch((error) => {
        if (!/^503/.test(error.message)) wrong.push(`${name}: ${error}`)
      })
      stop.signal.addEventListener('abort', () => events?.close())
      for (let event = await events?.next().catch(() => undefined); event; ) {
        const change = event.data as Change
        if (event.event === undefined && change.op === 'upsert') {
          if (change.revision <= seen) wrong.push(`${name}: ${change.revision} came after ${seen}`)
          seen = change.revision
          copy.set(change.task.id, change.revision)
        }
        if (event.id) headers['last-event-id'] = event.id
        event = await events?.next().catch(() => undefined)
      }
      events?.close()
      await Bun.sleep(RETRY_MS)
    }
  }

  const read = async <Body>(path: string): Promise<Body> =>
    eventually(() => send(traffic, token, 'GET', path) as Promise<Body>, `${path} is not served.`)
  const since = async (cursor: string): Promise<[id: string, revision: number][]> => {
    const page = await read<{ changes: Change[] }>(`/api/changes?limit=1000&since=${cursor}`)
    return page.changes.map((change) => [
      change.op === 'upsert' ? change.task.id : change.id,
      change.revision,
    ])
  }
  const delivered = (): Map<string, number> => {
    const found = new Map<string, number>()
    const known = new Set<string>()
    let newest = 0
    for (const { headers, body } of receiver.deliveries.get(`/${name}`) ?? []) {
      const { revision, task } = JSON.parse(body).data as { revision: number; task: Task }
      const id = headers['webhook-id'] ?? ''
      if (!known.has(id) && revision < newest) wrong.push(`${name}: webhook ${id} after ${newest}`)
      known.add(id)
      newest = Math.max(newest, revision)
      found.set(task.id, Math.max(revision, found.get(task.id) ?? 0))
    }
    return found
  }
  const lacks = (what: string, found: ReadonlyMap<string, number>): string[] =>
    [...last].flatMap(([id, revision]) =>
      found.get(id) === revision ? [] : [`${name}: ${what} lacks ${id} at ${revision}`],
    )

  const hook = { url: `${receiver.url}/${name}`, events: ['task.changed'] }
  await write('POST', '/api/webhooks', hook)
  const { cursor } = await read<{ cursor: string }>('/api/changes')
  const writing = Promise.all([work(1), work(2)])
  const following = follow()

  return {
    writing,
    /** What of the acknowledged changes is not there, and what is there besides them. */
    verify: async (): Promise<void> => {
      const list = await read<Task[]>('/api/tasks')
      wrong.push(...lacks('the list', new Map(list.map(({ id, revision }) => [id, revision]))))
      const feed = await since(cursor)
      wrong.push(...lacks('the feed', new Map(feed)))
      for (const found of [list, feed]) {
        if (found.length !== last.size) wrong.push(`${name}: ${found.length} of ${last.size} tasks`)
      }
      const given = [...acknowledged.keys()].sort((a, b) => a - b)
      const odd = given.find((revision, n) => revision !== n + 1)
      if (odd !== undefined) wrong.push(`${name}: nobody was given the revision before ${odd}`)
      const late = (): string[] => [...lacks('the copy', copy), ...lacks('the hook', delivered())]
      await eventually(
        () => late().length === 0,
        () => late().join('\n'),
        ARRIVAL_MS,
      )
      stop.abort()
      await within(following, 'A stream did not end.')
    },
  }
}

/**
 * Users who write, read, follow their changes and have a webhook at `receiver`. Each response is to be
 * right or 503 with Retry-After. A write without an outcome is sent again with its idempotency key.
 */
export const mixedTraffic = async (url: string, receiver: Receiver, names: readonly string[]) => {
  let over = false
  const traffic: Traffic = {
    url,
    wrong: [],
    count: { done: 0, unavailable: 0 },
    isOver: () => over,
  }
  const users = await Promise.all(names.map((name) => startUser(traffic, name, receiver)))
  return {
    wrong: traffic.wrong,
    count: traffic.count,
    /** Everything acknowledged is there once: in the list, feed, stream and webhook of its user. */
    finish: async (): Promise<void> => {
      over = true
      const writing = Promise.all(users.map((user) => user.writing))
      await within(writing, () => `A write has no outcome. ${traffic.wrong}`, RESPONSE_MS)
      await Promise.all(users.map(({ verify }) => verify()))
    },
  }
}
