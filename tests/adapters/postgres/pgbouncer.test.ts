import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { openPool } from '../../../src/adapters/pg/pool.ts'
import { connect } from '../../../src/adapters/postgres/client.ts'
import { jobQueueContract } from '../../contracts/job-queue.ts'
import { storageContract } from '../../contracts/storage.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { openQueue } from '../../support/jobs.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { type PgBouncer, pgBouncer } from '../../support/pgbouncer.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startReceiver } from '../../support/receiver.ts'
import { enter, startServer } from '../../support/server.ts'
import { put } from '../../support/tasks.ts'

setDefaultTimeout(60_000)

const LIMITS = { poolSize: 4, queryDeadline: 5000, connectionDeadline: 5000 }

const poolers: PgBouncer[] = []
afterAll(async () => {
  await Promise.all(poolers.map(({ close }) => close()))
})

/** A new database, reached through a pooler of its own. */
const pooled = async (mode: 'session' | 'transaction'): Promise<string> => {
  const url = await freshDatabase()
  const pooler = await pgBouncer(url, mode)
  poolers.push(pooler)
  return pooler.through(url)
}

const declared = async (): Promise<string> => `${await pooled('transaction')}?pgbouncer=true`

/** Server sessions that a number of statements at once were run in. */
const sessions = async (url: string): Promise<number> => {
  const pool = openPool(url, { name: 'test', size: 8, connectionDeadline: 5000 })
  const pids = await Promise.all(
    Array.from({ length: 40 }, () => pool.query('select pg_backend_pid() as pid, pg_sleep(0.01)')),
  )
  await pool.end()
  return new Set(pids.map(({ rows: [row] }) => row.pid)).size
}

storageContract('postgres behind a transaction pooler', async () => openPostgres(await declared()))
jobQueueContract('pg-boss behind a transaction pooler', async () => openQueue(await declared()))

describe('a transaction pooler', () => {
  test('spreads the statements of its clients over several sessions', async () => {
    expect(await sessions(await declared())).toBeGreaterThan(1)
  })

  test('that the URL does not mention harms nothing, and is reported once at most', async () => {
    const url = await pooled('transaction')
    const noticed = new Map<string, number>()
    const clients = ['a', 'b', 'c'].map((name) => {
      const onPooler = (): void => void noticed.set(name, (noticed.get(name) ?? 0) + 1)
      return { name, ...connect(url, LIMITS, onPooler) }
    })
    const use = async ({ name, query }: (typeof clients)[number]): Promise<void> => {
      const text = `select '${name}' || $1::text as text, pg_sleep(0.002)`
      for (let n = 0; n < 60; n++) {
        expect(await query(text, [String(n)])).toMatchObject([{ text: `${name}${n}` }])
      }
    }
    await Promise.all(clients.flatMap((client) => Array.from({ length: 4 }, () => use(client))))
    expect([...noticed.values()]).toEqual(Array(noticed.size).fill(1))
    await Promise.all(clients.map(({ close }) => close()))
  })
})

test.each([
  ['behind a transaction pooler', declared],
  [
    'with sslmode=prefer at a server without TLS',
    async () => `${await freshDatabase()}?sslmode=prefer`,
  ],
])('a process serves accounts, tasks and jobs %s', async (_, address) => {
  const receiver = await startReceiver()
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: await address(),
    AUTH_SECRET: 'a secret of the identity provider, 32 bytes',
    WEBHOOK_ALLOW: 'http,private',
  })
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  await enter(server.url, 'sign-in', 'ada@example.com')
  const post = async (path: string, body: object): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const options = { method: 'POST', headers, body: JSON.stringify(body) }
    return (await fetch(`${server.url}${path}`, options)).status
  }
  expect(await post('/api/webhooks', { url: receiver.url, events: ['task.changed'] })).toBe(201)
  expect(await post('/api/tasks', { title: 'a' })).toBe(201)
  await receiver.until(
    () => receiver.deliveries.size > 0,
    () => 'No message came.',
  )
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
  receiver.close()
})

describe('a session pooler', () => {
  test('needs no option: statements are prepared and limited in time', async () => {
    let noticed = 0
    const url = await pooled('session')
    const { tasks, close } = await openPostgres(url, {
      poolSize: 3,
      onPooler: () => void noticed++,
    })
    for (let n = 1; n <= 20; n++) {
      expect(await put(tasks, 'alice', `task ${n}`)).toMatchObject({ revision: n })
    }
    expect(noticed).toBe(0)
    await close()
    const pool = openPool(url, {
      name: 'test',
      size: 1,
      connectionDeadline: 5000,
      statementDeadline: 1000,
    })
    await expect(pool.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
    await pool.end()
  })
})
