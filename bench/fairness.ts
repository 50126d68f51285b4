import { connect } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { temporaryFolder } from '../tests/support/folder.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { PASSWORD } from '../tests/support/server.ts'
import { untilReady } from './dataset.ts'
import { type MeasuredServer, SHIPPED, startMeasured } from './servers.ts'
import { lua } from './wrk.ts'

/** See README.md in this folder. */
const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'sqlite,postgres' },
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '5' },
    budgets: { type: 'string', default: '1' },
  },
})
const SECONDS = Number(options.seconds)
const TARGET = 3

/** Leaves room below the quota of 10 000 for what is created and deleted again. */
const LONG_TASKS = 9_900
const TASKS_PER_BATCH = 50
const HOOKS = 10
const STREAMS = 10
const SLOW_HOOK_MS = 14_000
const LIST = 20
/** So that the user who is measured stays within his own budget. */
const PAUSE_MS = 25
/** Networks from which the users who are measured have signed in before. */
const KNOWN_NETWORKS = 4
const SLOW_PAUSE_MS = 200
/** For a queue that an attack has left behind. */
const DRAIN_MS = 120_000

type Headers = Record<string, string>
type Request = Readonly<{ method: string; path: string; headers: Headers; body?: string }>
type Flood = Readonly<{ requests: readonly Request[]; connections: number; deletes?: boolean }>
type Scenario = Readonly<{ name: string; flood: Flood; unread?: boolean }>

type Measured = Readonly<{ user: number; name: string; headers: Headers; taskId: string }>

type World = Readonly<{
  url: string
  folder: string
  /** A user who is measured for each scenario, one with a webhook, and one who attacks. */
  measured: readonly Measured[]
  hooked: Headers
  attacker: Headers
  hookOwner: Headers
  longIds: readonly string[]
  hookIds: readonly string[]
  /** When the webhook of a revision has arrived. */
  arrivals: Map<number, number>
}>

const json = async <Body>(url: string, method: string, headers: Headers, body?: unknown) => {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(DRAIN_MS),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Body
}

const credentialsOf = (name: string) => ({ email: `${name}@example.com`, password: PASSWORD })

let addresses = 0

/** From a network of its own. */
const signUp = async (url: string, name: string): Promise<Headers> => {
  const headers = { 'content-type': 'application/json', 'x-peer': `10.0.0.${++addresses}` }
  const body = JSON.stringify({ name, ...credentialsOf(name) })
  const signedUp = await fetch(`${url}/api/auth/sign-up/email`, { method: 'POST', headers, body })
  if (!signedUp.ok) throw new Error(`${signedUp.status} ${await signedUp.text()}`)
  const cookie = signedUp.headers.getSetCookie().map((line) => line.split(';')[0])
  const { token } = await json<{ token: string }>(`${url}/api/auth/token`, 'GET', {
    cookie: cookie.join('; '),
  })
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
}

const createLongTasks = async (url: string, headers: Headers): Promise<string[]> => {
  const ids: string[] = []
  const operations = Array.from({ length: TASKS_PER_BATCH }, (_, n) => ({
    op: 'create',
    body: { title: `A long task ${n}`, description: 'Something long. '.repeat(62) },
  }))
  while (ids.length < LONG_TASKS) {
    const path = `${url}/api/tasks/batch`
    type Created = { changes: { task: { id: string } }[] }
    const { changes } = await json<Created>(path, 'POST', headers, { operations })
    ids.push(...changes.map(({ task }) => task.id))
  }
  return ids
}

const SCENARIOS = 10

const knownNetwork = (user: number, n: number): Headers => ({ 'x-peer': `10.1.${user}.${n}` })

const createMeasured = async (url: string, user: number): Promise<Measured> => {
  const name = `measured-${user}`
  const headers = await signUp(url, name)
  let taskId = ''
  for (let n = 0; n < LIST; n++) {
    const task = { title: `Task ${n}`, description: 'Something to be done before long' }
    taskId = (await json<{ id: string }>(`${url}/api/tasks`, 'POST', headers, task)).id
  }
  for (let n = 0; n < KNOWN_NETWORKS; n++) {
    await json(`${url}/api/auth/sign-in/email`, 'POST', knownNetwork(user, n), credentialsOf(name))
  }
  return { user, headers, name, taskId }
}

const prepare = async (url: string, folder: string): Promise<World & { close(): void }> => {
  const arrivals = new Map<number, number>()
  const receiver = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 30,
    fetch: async (request) => {
      if (request.url.endsWith('/slow')) await Bun.sleep(SLOW_HOOK_MS)
      else {
        const { data } = (await request.json()) as { data: { revision: number } }
        arrivals.set(data.revision, performance.now())
      }
      return new Response(null, { status: 204 })
    },
  })
  const measured: Measured[] = []
  for (let user = 0; user < SCENARIOS; user++) measured.push(await createMeasured(url, user))
  const hooked = await signUp(url, 'hooked')
  const attacker = await signUp(url, 'attacker')
  const hookOwner = await signUp(url, 'hook-owner')
  const createHook = async (headers: Headers, path: string): Promise<string> => {
    const hook = { url: `${receiver.url.origin}/${path}`, events: ['task.changed'] }
    return (await json<{ id: string }>(`${url}/api/webhooks`, 'POST', headers, hook)).id
  }
  await createHook(hooked, 'prompt')
  const longIds = await createLongTasks(url, attacker)
  const hookIds: string[] = []
  for (let n = 0; n < HOOKS; n++) hookIds.push(await createHook(hookOwner, 'slow'))
  return {
    url,
    folder,
    measured,
    hooked,
    attacker,
    hookOwner,
    longIds,
    hookIds,
    arrivals,
    close: () => receiver.stop(true),
  }
}

/** Every request sent has something else there. */
const UNIQUE = '##########'
const ONE_SITE = '2001:db8:1:@@@@::1'
const MANY_SITES = '2001:db8:@@@@::1'

const scenariosOf = ({ attacker, hookOwner, longIds, hookIds }: World): Scenario[] => {
  const get = (path: string): Request => ({ method: 'GET', path, headers: attacker })
  const enterFrom = (peer: string, way: string, body: object): Request => ({
    method: 'POST',
    path: `/api/auth/${way}/email`,
    headers: { 'content-type': 'application/json', 'x-peer': peer },
    body: JSON.stringify(body),
  })
  const post = (path: string, body: object, headers: Headers = {}): Request => ({
    method: 'POST',
    path,
    headers: { ...attacker, ...headers },
    body: JSON.stringify(body),
  })
  const batches = Array.from({ length: 20 }, (_, n) => {
    const ids = longIds.slice(n * 100, n * 100 + 100)
    const operations = ids.map((id) => ({ op: 'complete', id }))
    return post('/api/tasks/batch', { operations }, { 'idempotency-key': UNIQUE })
  })
  const toggles = longIds
    .slice(0, 1000)
    .map((id) => ({ ...get(`/api/tasks/${id}/complete`), method: 'PATCH' }))
  const password = `not ${PASSWORD}`
  return [
    { name: 'whole lists', flood: { requests: [get('/api/tasks')], connections: 16 } },
    { name: 'searches', flood: { requests: [get('/api/tasks?q=thing+lung')], connections: 16 } },
    ...[
      { from: 'one site', peer: ONE_SITE },
      { from: '65 536 sites', peer: MANY_SITES },
    ].flatMap(({ from, peer }) => [
      {
        name: `wrong passwords from ${from}`,
        flood: {
          requests: [enterFrom(peer, 'sign-in', { ...credentialsOf(UNIQUE), password })],
          connections: 16,
        },
      },
      {
        name: `sign-ups from ${from}`,
        flood: {
          requests: [enterFrom(peer, 'sign-up', { name: 'x', ...credentialsOf(UNIQUE) })],
          connections: 16,
        },
      },
    ]),
    {
      name: 'pings of slow hooks',
      flood: {
        requests: hookIds.map((id) => ({
          ...post(`/api/webhooks/${id}/ping`, {}),
          headers: hookOwner,
        })),
        connections: 4,
      },
    },
    {
      name: 'create and delete',
      flood: { requests: [post('/api/tasks', { title: 'a' })], connections: 16, deletes: true },
    },
    { name: 'batches with keys', flood: { requests: batches, connections: 16 } },
    {
      name: 'unread event streams',
      flood: { requests: toggles, connections: 4 },
      unread: true,
    },
  ]
}

/** Another process, so that what is measured here does not wait for it. Returns requests per second. */
const startFlood = async ({ url, folder }: World, { requests, connections, deletes }: Flood) => {
  const plan = join(folder, 'flood-plan.lua')
  await Bun.write(plan, `return {${requests.map(lua).join(',\n')}, deletes = ${deletes ?? false}}`)
  const child = Bun.spawn(
    [
      'wrk',
      '-t1',
      `-c${connections}`,
      '-d300s',
      '-s',
      join(import.meta.dir, 'flood.lua'),
      url,
      '--',
      plan,
    ],
    { stdout: 'pipe', stderr: 'pipe' },
  )
  return async (): Promise<string> => {
    child.kill('SIGINT')
    const output = await new Response(child.stdout).text()
    return /Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? `none: ${output}`
  }
}

const openUnread = ({ url, attacker }: World, count: number): (() => void) => {
  const head = `GET /api/events?since=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${attacker['authorization']}\r\n\r\n`
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(head))
    return socket.on('error', () => {}).pause()
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

type Times = Readonly<Record<'get' | 'list' | 'create' | 'sign-in' | 'webhook', number[]>> & {
  failures: string[]
}

/** One request at a time for some seconds, and beside them sign-ins and webhooks. */
const measure = async (
  { url, hooked, arrivals }: World,
  { user, name, headers, taskId }: Measured,
): Promise<Times> => {
  const times: Times = { get: [], list: [], create: [], 'sign-in': [], webhook: [], failures: [] }
  const end = performance.now() + SECONDS * 1000
  const timed = async (
    kind: 'get' | 'list' | 'create' | 'sign-in',
    step: () => Promise<unknown>,
  ) => {
    const began = performance.now()
    await step().catch((error) => times.failures.push(`${kind}: ${error}`))
    times[kind].push(performance.now() - began)
  }
  const requests = async (): Promise<void> => {
    while (performance.now() < end) {
      await timed('get', () => json(`${url}/api/tasks/${taskId}`, 'GET', headers))
      await timed('list', () => json(`${url}/api/tasks?limit=${LIST}`, 'GET', headers))
      await timed('create', () => json(`${url}/api/tasks`, 'POST', headers, { title: 'b' }))
      await Bun.sleep(PAUSE_MS)
    }
  }
  const signIns = async (): Promise<void> => {
    for (let n = 0; performance.now() < end; n++) {
      const peer = knownNetwork(user, n % KNOWN_NETWORKS)
      await timed('sign-in', () =>
        json(`${url}/api/auth/sign-in/email`, 'POST', peer, credentialsOf(name)),
      )
      await Bun.sleep(SLOW_PAUSE_MS)
    }
  }
  const created = new Map<number, number>()
  const hooks = async (): Promise<void> => {
    while (performance.now() < end) {
      const began = performance.now()
      type Task = { revision: number }
      await json<Task>(`${url}/api/tasks`, 'POST', hooked, { title: 'c' }).then(
        ({ revision }) => created.set(revision, began),
        (error) => times.failures.push(`create: ${error}`),
      )
      await Bun.sleep(SLOW_PAUSE_MS)
    }
  }
  await Promise.all([requests(), signIns(), hooks()])
  const newest = Math.max(...created.keys())
  for (const wait = Date.now() + DRAIN_MS; !arrivals.has(newest); await Bun.sleep(PAUSE_MS)) {
    if (Date.now() > wait) break
  }
  for (const [revision, began] of created) {
    times.webhook.push((arrivals.get(revision) ?? Number.POSITIVE_INFINITY) - began)
  }
  return times
}

const at = (times: readonly number[], share: number): number => {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Until what an attack has left behind is worked off. */
const drain = async ({ url }: World): Promise<void> => {
  await Bun.sleep(1000)
  const peer = { 'x-peer': `10.2.0.${++addresses}` }
  const path = `${url}/api/auth/sign-in/email`
  await json(path, 'POST', peer, credentialsOf('measured-0')).catch(() => {})
}

const compare = async (world: World, scenario: Scenario, user: Measured): Promise<void> => {
  const idle = await measure(world, user)
  const closeStreams = openUnread(world, scenario.unread ? STREAMS : 0)
  const stopFlood = await startFlood(world, scenario.flood)
  await Bun.sleep(1000)
  const busy = await measure(world, user)
  const rate = await stopFlood()
  closeStreams()
  for (const name of ['get', 'list', 'create', 'sign-in', 'webhook'] as const) {
    const [before, under] = [at(idle[name], 0.99), at(busy[name], 0.99)]
    const ratio = under / before
    const figures = [at(idle[name], 0.5), before, at(busy[name], 0.5), under]
    const cells = figures.map((figure) => figure.toFixed(1))
    const marked = ratio > TARGET ? `**${ratio.toFixed(1)}**` : ratio.toFixed(1)
    console.log(
      `| ${[scenario.name, rate, name, busy[name].length, ...cells, marked].join(' | ')} |`,
    )
  }
  for (const failure of new Set(busy.failures)) console.log(`  failed: ${failure.slice(0, 200)}`)
  await drain(world)
}

const run = async (storage: string, server: MeasuredServer, folder: string): Promise<void> => {
  await untilReady(server.url)
  const world = await prepare(server.url, folder)
  console.log(`\n### ${storage}\n`)
  const head = [
    'one other user',
    'his requests/s',
    'request',
    'samples',
    'idle p50 ms',
    'idle p99 ms',
  ]
  const row = [...head, 'p50 ms', 'p99 ms', 'ratio of p99']
  for (const line of [row, row.map(() => '---')]) console.log(`| ${line.join(' | ')} |`)
  for (const [n, scenario] of scenariosOf(world).entries()) {
    const user = world.measured[n]
    if (!user || (options.only && !options.only.split(',').includes(scenario.name))) continue
    await compare(world, scenario, user)
  }
  console.log(`\nMemory after this: ${server.memory().toFixed(0)} MB.`)
  world.close()
  await server.stop()
}

const start = (folder: string, env: Record<string, string>): Promise<MeasuredServer> =>
  startMeasured(['../src/main.ts'], folder, {
    ...SHIPPED,
    TRUST_PROXY: 'x-peer',
    WEBHOOK_ALLOW: 'http,private',
    BUDGET_FACTOR: options.budgets,
    ...env,
  })

if (options.storage.includes('sqlite')) {
  const folder = temporaryFolder()
  await run('SQLite', await start(folder, {}), folder)
}
if (options.storage.includes('postgres')) {
  const folder = temporaryFolder()
  const cluster = await privateServer({ fsync: 'on', full_page_writes: 'on' })
  const env = { DATABASE_URL: cluster.url, AUTH_SECRET: 'a secret of at least thirty-two bytes' }
  await run('PostgreSQL', await start(folder, env), folder)
  await cluster.close()
}
process.exit(0)
