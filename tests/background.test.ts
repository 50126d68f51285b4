import { expect, setDefaultTimeout, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import { taskport } from '../client/index.ts'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { temporaryFolder } from './support/folder.ts'
import { privateServer } from './support/postgres.ts'
import { type Delivery, startReceiver, type Verdict } from './support/receiver.ts'
import { type RunningProcess, SHARED, startServer } from './support/server.ts'
import { onPostgres, SERVER_STORAGES } from './support/storages.ts'
import { eventually, within } from './support/wait.ts'

setDefaultTimeout(180_000)

const USERS = 200
const EACH = 5
const REMINDERS = USERS * EACH

/** Milliseconds from now to the first reminder, and from that to the last. */
const LEAD = 4000
const SPAN = 20_000

const { Citus } = SERVER_STORAGES
const sign = sharedSecretSigner({ secret: SHARED.BETTER_AUTH_SECRET })
const ENV = { ...SHARED, WEBHOOK_ALLOW: 'http,private', LOG_LEVEL: 'info' }

type Message = { type: string; data: { revision: number; id?: string; task?: { id: string } } }

/**
 * Every third request of a webhook fails, in turns with and without having been taken; no change
 * fails twice, or the next attempt would be minutes away.
 */
const failing = (): ((deliveries: readonly Delivery[]) => Verdict) => {
  const failed = new Set<string>()
  return (deliveries) => {
    const [, hook, revision] = idOf(deliveries.at(-1) as Delivery).split('_')
    const change = `${hook} ${revision}`
    if (deliveries.length % 3 !== 0 || failed.has(change)) return 'accept'
    failed.add(change)
    return deliveries.length % 2 === 0 ? 'cut' : 'refuse'
  }
}

/**
 * A user with a webhook, five tasks with a reminder each, and one that is deleted meanwhile. The nth
 * reminder is due at `at(n)`.
 */
const openUser = async (name: string, api: () => string, hook: string, at: (n: number) => Date) => {
  const token = await sign(name, 3600)
  const client = () =>
    taskport({ url: api(), token: () => token, attempts: 1000, pause: 20, fetch: impatient })
  const changes = await client().batch([
    { op: 'create', body: { title: 'to be deleted' } },
    ...Array.from({ length: EACH }, (_, n) => ({
      op: 'create' as const,
      body: { title: `${n}`, remind_at: at(n).toISOString() },
    })),
  ])
  const response = await fetch(`${api()}/api/webhooks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: hook, events: ['task.changed', 'task.deleted', 'task.reminder'] }),
  })
  const { secret } = (await response.json()) as { secret: string }
  const [first] = changes
  const doomed = first?.op === 'upsert' ? first.task.id : ''
  return { client, doomed, verifier: new Webhook(secret) }
}

/** Without the Retry-After of a server that restarts, which is longer than a test should wait. */
const impatient: typeof fetch = Object.assign(
  async (...args: Parameters<typeof fetch>) => {
    const response = await fetch(...args)
    response.headers.delete('retry-after')
    return response
  },
  { preconnect: fetch.preconnect },
)

const idOf = ({ headers }: Delivery): string => headers['webhook-id'] ?? ''

/**
 * 1 000 reminders, a receiver that fails a third of the time, and an outage in the middle: every event
 * arrives at least once, in order, signed, and with the same id each time.
 */
const survive = async (
  api: () => string,
  disturb: (midway: () => Promise<void>) => Promise<void>,
): Promise<void> => {
  const receiver = await startReceiver(failing())
  const start = Date.now() + LEAD
  const paths = Array.from({ length: USERS }, (_, n) => `/user-${n}`)
  const users = await Promise.all(
    paths.map((path, n) =>
      openUser(path, api, `${receiver.url}${path}`, (k) => {
        return new Date(start + ((k * USERS + n) / REMINDERS) * SPAN)
      }),
    ),
  )
  const of = (path: string): Delivery[] => receiver.deliveries.get(path) ?? []
  /** Distinct ones of all users. */
  const arrived = (kind: string): number =>
    new Set(
      [...receiver.deliveries.values()]
        .flat()
        .map(idOf)
        .filter((id) => id.endsWith(kind)),
    ).size

  const until = (reminders: number, deletions: number): Promise<void> =>
    receiver.until(
      () => arrived('_reminder') >= reminders && arrived('_deleted') >= deletions,
      () =>
        `${reminders} reminders and ${deletions} deletions should arrive, ` +
        `${arrived('_reminder')} and ${arrived('_deleted')} did.`,
      90_000,
    )

  let deleting: Promise<unknown> = Promise.reject(new Error('The deletions have not begun.'))
  deleting.catch(() => {})
  await disturb(async () => {
    await until(REMINDERS / 3, 0)
    deleting = Promise.all(users.map(({ client, doomed }) => client().delete(doomed)))
  })
  await within(deleting, 'Every deletion should be acknowledged.', 60_000)
  await until(REMINDERS, USERS)

  for (const [n, path] of paths.entries()) {
    const { client, doomed, verifier } = users[n] as (typeof users)[number]
    const messages = of(path).map((delivery) => ({
      id: idOf(delivery),
      ...(verifier.verify(delivery.body, delivery.headers) as Message),
    }))
    const revisions = messages.map(({ data }) => data.revision)
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))

    const events = messages.map(({ id, type, data }) => ({
      id,
      event: JSON.stringify([type, data]),
    }))
    const ids = new Map(events.map(({ id, event }) => [event, id]))
    expect(new Set(ids.values()).size).toBe(ids.size)
    for (const { id, event } of events) expect(ids.get(event)).toBe(id)

    const { changes, revision } = await client().changes()
    expect(revision).toBe(1 + EACH + EACH + 1)
    const expected: [string, object][] = changes.flatMap((change) =>
      change.op === 'upsert'
        ? [
            ['task.changed', { revision: change.revision, task: change.task }],
            ['task.reminder', { revision: change.revision, task: change.task }],
          ]
        : [],
    )
    expect(expected).toHaveLength(2 * EACH)
    expected.push(['task.deleted', { revision: expect.any(Number), id: doomed }])
    const delivered = [...ids.keys()].map((event) => JSON.parse(event))
    for (const event of expected) expect(delivered).toContainEqual(event)
    expect(delivered).toHaveLength(expected.length)
  }
  receiver.close()
}

const exited = (server: RunningProcess): Promise<number> =>
  within(server.exited, `The server ${server.url} should exit.`, 20_000)

const stop = async (...servers: RunningProcess[]): Promise<void> => {
  for (const server of servers) server.signal('SIGTERM')
  for (const server of servers) expect(await exited(server)).toBe(0)
}

const start = async (folder: string, env: Record<string, string>): Promise<RunningProcess> => {
  const server = await startServer(folder, env)
  await eventually(
    async () => (await fetch(`${server.url}/health/ready`)).ok,
    () => `The server ${server.url} should be ready. ${server.stderr()}`,
    30_000,
  )
  return server
}

const two = async (env: Record<string, string>): Promise<[RunningProcess, RunningProcess]> => [
  await start(temporaryFolder(), env),
  await start(temporaryFolder(), env),
]

const anyOf = (servers: RunningProcess[]) => {
  let turn = 0
  return () => servers[turn++ % servers.length]?.url ?? ''
}

/** The same again, on the same port. */
const killed = async (
  server: RunningProcess,
  folder: string,
  env: Record<string, string>,
): Promise<RunningProcess> => {
  server.signal('SIGKILL')
  await exited(server)
  return start(folder, { ...env, PORT: new URL(server.url).port })
}

const oneOfTwoKilled = async (settings: Readonly<Record<string, string>>): Promise<void> => {
  const env = { ...ENV, ...settings }
  const servers = await two(env)
  await survive(anyOf(servers), async (midway) => {
    await midway()
    servers[0] = await killed(servers[0], temporaryFolder(), env)
  })
  await stop(...servers)
}

test.concurrent('two servers on one PostgreSQL, one killed and started again', async () =>
  oneOfTwoKilled(await onPostgres()))

test.concurrent('PostgreSQL ended as in a crash, and away for two seconds', async () => {
  const database = await privateServer()
  const env = { ...ENV, DATABASE_URL: database.url }
  const servers = await two(env)
  await survive(anyOf(servers), async (midway) => {
    await midway()
    await database.stop()
    await Bun.sleep(2000)
    await database.start()
  })
  await stop(...servers)
  await database.close()
})

test.concurrent('one server on SQLite, killed and started again', async () => {
  const folder = temporaryFolder()
  let server = await start(folder, ENV)
  await survive(
    () => server.url,
    async (midway) => {
      await midway()
      server = await killed(server, folder, ENV)
    },
  )
  await stop(server)
})

// Not beside the others: a cluster takes several times their processor time.
if (Citus)
  test('two servers on one Citus, one killed and started again', async () =>
    oneOfTwoKilled(await Citus()))
