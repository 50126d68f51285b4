import { connect, type Socket } from 'node:net'
import { createSession, PASSWORD, type Session } from './session.ts'
import type { World } from './world.ts'

export type Stop = () => unknown
export type Attackers = Awaited<ReturnType<typeof createAttackers>>

const HOOKS = 10
const QUOTA = 10_000
const TASKS_PER_BATCH = 50
const PATIENCE_MS = 20_000

type Request = Readonly<{ method?: string; path: string; headers?: object; body?: string }>

const createHooks = async ({ request }: Session, urlOf: (n: number) => string) => {
  const ids: string[] = []
  for (let n = 0; n < HOOKS; n++) {
    const hook = { url: urlOf(n), events: ['task.changed'] }
    const { body } = await request('create webhook', 'POST', '/api/webhooks', hook)
    ids.push((body as { id: string }).id)
  }
  return ids
}

const fillQuota = async ({ request }: Session): Promise<void> => {
  const body = { title: 'A long task', description: 'Something long. '.repeat(62) }
  const operations = Array(TASKS_PER_BATCH).fill({ op: 'create', body })
  for (let n = 0; n < QUOTA; n += TASKS_PER_BATCH) {
    await request('batch', 'POST', '/api/tasks/batch', { operations })
  }
}

/** Accounts with full quotas and hooks, and the worst they can do; every attack returns its end. */
export const createAttackers = async (world: World, victims: readonly string[]) => {
  const hoarder = createSession(world, 'hoarder@example.com')
  const pinger = createSession(world, 'pinger@example.com')
  const dreamer = createSession(world, 'dreamer@example.com')
  const sessions = [hoarder, pinger, dreamer]
  for (const session of sessions) await session.signUp()
  await fillQuota(hoarder)
  const hooks = await createHooks(pinger, (n) => `${world.hooks.url}/attackers/${n}`)
  const dreams = await createHooks(dreamer, (n) => `http://host-${n}.example/`)
  const bearer = (session: Session) => ({ authorization: `Bearer ${session.token()}` })

  /** Sends it once, without reading all into memory; only a defect is of interest. */
  const send = async ({ method = 'GET', path, headers, body }: Request): Promise<Response> => {
    const response = await fetch(world.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body }),
      signal: AbortSignal.any([world.over, AbortSignal.timeout(PATIENCE_MS)]),
    })
    if (response.status >= 500 && response.status !== 503) {
      world.report.violate(`status ${response.status}`, `an attacker: ${method} ${path}`)
    }
    return response
  }
  const discard = async (request: Request): Promise<void> => {
    for await (const _ of (await send(request)).body ?? []);
  }

  /** Repeats a step over some connections until it is stopped, whatever becomes of it. */
  const repeat = (connections: number, step: (n: number) => Promise<unknown>): Stop => {
    let stopped = false
    const work = async (): Promise<void> => {
      for (let n = 0; !stopped && !world.over.aborted; n++) {
        await step(n).catch(() => Bun.sleep(100))
      }
    }
    for (let n = 0; n < connections; n++) void work()
    return () => {
      stopped = true
    }
  }

  const raw = (count: number, lines: readonly string[], each: (socket: Socket) => void): Stop => {
    const sockets = Array.from({ length: count }, () => {
      const { hostname, port } = new URL(world.url)
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {}).write(`${lines.join('\r\n')}\r\nHost: localhost\r\n\r\n`)
      each(socket)
      return socket
    })
    return () => sockets.map((socket) => socket.destroy())
  }

  const createAndDelete = async (): Promise<void> => {
    const headers = bearer(pinger)
    const body = JSON.stringify({ title: 'gone at once' })
    const response = await send({ method: 'POST', path: '/api/tasks', headers, body })
    const { id } = (await response.json()) as { id?: string }
    if (id) await discard({ method: 'DELETE', path: `/api/tasks/${id}`, headers })
  }
  const ping = (session: Session, ids: readonly string[]) => async (n: number) => {
    const path = `/api/webhooks/${ids[n % ids.length]}/ping`
    await discard({ method: 'POST', path, headers: bearer(session) })
    await Bun.sleep(50)
  }
  const guess = (n: number): Promise<void> =>
    discard({
      method: 'POST',
      path: '/api/auth/sign-in/email',
      headers: { 'x-peer': `2001:db8:${n.toString(16)}::1` },
      body: JSON.stringify({ email: victims[n % victims.length], password: PASSWORD + n }),
    })
  const list = (query: string) => discard({ path: `/api/tasks${query}`, headers: bearer(hoarder) })
  const sendBody = (body: string) =>
    discard({ method: 'POST', path: '/api/tasks', headers: bearer(pinger), body })

  return {
    /** Their tokens may have expired. */
    refresh: () => Promise.all(sessions.map((session) => session.renew())),
    lists: () => repeat(8, () => list('')),
    searches: () => repeat(8, (n) => list(`?q=long+${n % 50}`)),
    guesses: () => repeat(8, guess),
    bodies: () => repeat(4, (n) => sendBody(n % 2 ? 'x'.repeat(1_000_000) : '['.repeat(60_000))),
    createAndDelete: () => repeat(8, createAndDelete),
    pings: () => repeat(4, ping(pinger, hooks)),
    dreamPings: () => repeat(4, ping(dreamer, dreams)),
    slowBodies: () =>
      raw(100, ['POST /api/auth/sign-in/email HTTP/1.1', 'Content-Length: 900'], (socket) => {
        const timer = setInterval(() => socket.write(' '), 500)
        socket.on('close', () => clearInterval(timer))
      }),
    unreadStreams: () => {
      const token = `Authorization: Bearer ${pinger.token()}`
      const stops = [
        repeat(2, createAndDelete),
        raw(10, ['GET /api/events?since=0 HTTP/1.1', token], (socket) => socket.pause()),
      ]
      return () => stops.map((stop) => stop())
    },
  }
}
