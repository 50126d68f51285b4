import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { openPool } from '../../../src/adapters/pg/pool.ts'
import { connect } from '../../../src/adapters/postgres/client.ts'
import { jobQueueContract } from '../../contracts/job-queue.ts'
import { storageContract } from '../../contracts/storage.ts'
import { openAccounts } from '../../support/accounts.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { openQueue } from '../../support/jobs.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { type PgBouncer, pgBouncer } from '../../support/pgbouncer.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startReceiver } from '../../support/receiver.ts'
import { enter, startServer } from '../../support/server.ts'
import { put } from '../../support/tasks.ts'

setDefaultTimeout(60_000)

const LIMITS = {
  poolSize: 4,
  queryDeadline: 5000,
  connectionDeadline: 5000,
  replacementDeadline: 1000,
}

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

/** A row of each server session that a number of statements at once were run in. */
const sessions = async (url: string, columns: string): Promise<Record<string, unknown>[]> => {
  const pool = openPool(url, {
    name: 'test',
    size: 8,
    connectionDeadline: 5000,
  })
  const text = `select ${columns}, pg_backend_pid() as pid, pg_sleep(0.01)`
  const results = await Promise.all(Array.from({ length: 40 }, () => pool.query(text)))
  await pool.end()
  return [...new Map(results.map(({ rows: [row] }) => [row.pid, row])).values()]
}

storageContract('postgres behind a transaction pooler', async () => openPostgres(await declared()))
jobQueueContract('pg-boss behind a transaction pooler', async () => openQueue(await declared()))

describe('a transaction pooler', () => {
  test('spreads the statements of its clients over several sessions', async () => {
    expect((await sessions(await declared(), '1')).length).toBeGreaterThan(1)
  })

  test('that the URL does not mention harms nothing, is reported once, and keeps no statements', async () => {
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
    expect(Object.fromEntries(noticed)).toEqual({ a: 1, b: 1, c: 1 })
    const count = '(select count(*) from pg_prepared_statements) as count'
    const kept = (await sessions(url, count)).map((row) => Number(row['count']))
    // Each connection prepares its statement once, and once more when it meets another session.
    expect(kept.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(24)
    await Promise.all(clients.map(({ close }) => close()))
  })

  test('has no setting left in its sessions; a slow statement ends its connection', async () => {
    const url = await pooled('transaction')
    const options = { name: 'test', size: 4, connectionDeadline: 5000, statementDeadline: 1000 }
    const pool = openPool(url, options)
    await Promise.all(Array.from({ length: 8 }, () => pool.query('select pg_sleep(0.01)')))
    for (const { timeout } of await sessions(
      url,
      "current_setting('statement_timeout') as timeout",
    )) {
      expect(timeout).toBe('0')
    }
    await expect(pool.query('select pg_sleep(60)')).rejects.toThrow('deadline exceeded')
    await pool.query('select 1')
    await pool.end()
  })

  test('with two sessions has enough for four processes that start at once', async () => {
    const database = await freshDatabase()
    const pooler = await pgBouncer(database, 'transaction', 2)
    poolers.push(pooler)
    const url = pooler.through(database)
    const accounts = await Promise.all(
      Array.from({ length: 4 }, () => openAccounts({ storage: { kind: 'postgres', url } })),
    )
    expect((await accounts[0]?.signUp('ada@example.com'))?.status).toBe(200)
    await Promise.all(accounts.map(({ close }) => close()))
  })
})

test('a process serves accounts, tasks and jobs with sslmode=prefer at a server without TLS', async () => {
  const receiver = await startReceiver()
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: `${await freshDatabase()}?sslmode=prefer`,
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
  test('needs no option: statements are prepared', async () => {
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
  })
})
