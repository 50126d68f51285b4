import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { openPool, type Pool } from '../../../src/adapters/pg/pool.ts'
import { type PostgresServer, privateServer } from '../../support/postgres.ts'
import { silentProxy } from '../../support/proxy.ts'
import { eventually, within } from '../../support/wait.ts'

setDefaultTimeout(30_000)

let server: PostgresServer
beforeAll(async () => {
  server = await privateServer()
})
afterAll(() => server?.close())

const DEADLINES = { statementDeadline: 1000, connectionDeadline: 1000 }

const open = (url: string, size: number, options: object = {}): Pool =>
  openPool(url, { name: 'test', size, ...DEADLINES, ...options })

const pids = async (pool: Pool, count: number): Promise<number[]> => {
  const connections = await Promise.all(Array.from({ length: count }, () => pool.connect()))
  const results = await Promise.all(
    connections.map(({ query }) => query('select pg_backend_pid() as pid')),
  )
  for (const { release } of connections) release()
  return results.map(({ rows: [row] }) => row.pid)
}

const running = async (pool: Pool, text: string): Promise<number> => {
  const { rows } = await pool.query(
    "select from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()",
    [`%${text}%`],
  )
  return rows.length
}

describe('connections that were lost without a word', () => {
  test('one statement meets its deadline; every later one has a new connection', async () => {
    const proxy = silentProxy(server.url)
    const pool = open(proxy.url, 4)
    const before = await pids(pool, 4)
    expect(new Set(before).size).toBe(4)
    proxy.swallow()
    proxy.passAgain()
    await expect(pool.query('select 1')).rejects.toThrow('deadline exceeded')
    for (let n = 0; n < 8; n++) await pool.query('select 1')
    const after = await pids(pool, 4)
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
    await within(pool.end(), 'The pool did not end.')
    proxy.close()
  })

  test('what runs on others goes on', async () => {
    const proxy = silentProxy(server.url)
    const pool = open(proxy.url, 2)
    const frozen = await pool.connect()
    await frozen.query('select 1')
    proxy.swallow()
    proxy.passAgain()
    const sound = await pool.connect()
    await sound.query('begin')
    await expect(frozen.query('select 1')).rejects.toThrow('deadline exceeded')
    await expect(frozen.query('rollback')).rejects.not.toThrow('deadline exceeded')
    frozen.release()
    await sound.query('commit')
    sound.release()
    await within(pool.end(), 'The pool did not end.')
    proxy.close()
  })

  test('the server ends the statement that it can no longer return', async () => {
    const proxy = silentProxy(server.url)
    const [pool, observer] = [open(proxy.url, 1), open(server.url, 1)]
    const connection = await pool.connect()
    const sleep = connection.query('select pg_sleep(60)')
    sleep.catch(() => {})
    await eventually(async () => (await running(observer, 'pg_sleep')) === 1, 'Nothing ran.')
    proxy.swallow()
    proxy.passAgain()
    await expect(sleep).rejects.toThrow('deadline exceeded')
    connection.release()
    await eventually(async () => (await running(observer, 'pg_sleep')) === 0, 'It still runs.')
    await Promise.all([pool.end(), observer.end()])
    proxy.close()
  })
})

test('a slow statement is cancelled by the server, and its connection stays', async () => {
  const pool = open(server.url, 1)
  const before = await pids(pool, 1)
  await expect(pool.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
  expect(await pids(pool, 1)).toEqual(before)
  await pool.end()
})

test('a wait for a connection is bounded', async () => {
  const pool = open(server.url, 1)
  const connection = await pool.connect()
  await expect(pool.query('select 1')).rejects.toThrow('timeout exceeded')
  connection.release()
  await pool.query('select 1')
  await pool.end()
})

test('a server that takes connections and says nothing is given up', async () => {
  const proxy = silentProxy(server.url)
  proxy.goSilent()
  const pool = open(proxy.url, 1)
  await expect(pool.query('select 1')).rejects.toThrow('timeout')
  proxy.speak()
  await pool.query('select 1')
  await pool.end()
  proxy.close()
})

test('responses that break off fail their own statement only, and nothing is thrown elsewhere', async () => {
  const proxy = silentProxy(server.url)
  const pool = open(proxy.url, 3)
  const rows = 'select n, repeat($1::text, 3000) as text from generate_series(1, 20) as n'
  for (let round = 0; round < 10; round++) {
    proxy.tear(2)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) => pool.query(rows, [String(n)], 'rows')),
    )
    for (const [n, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') continue
      expect(outcome.value.rows).toHaveLength(20)
      expect(new Set(outcome.value.rows.map(({ text }) => text))).toEqual(
        new Set([String(n).repeat(3000)]),
      )
    }
    proxy.tear(0)
    await eventually(() => pool.query('select 1'), 'It did not work again.')
  }
  await pool.end()
  proxy.close()
})

test('connections that the server ends are replaced, idle or in use', async () => {
  const [pool, observer] = [open(server.url, 4), open(server.url, 1, { name: 'observer' })]
  for (let round = 0; round < 20; round++) {
    const statements = Promise.allSettled(Array.from({ length: 8 }, () => pool.query('select 1')))
    await observer.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test'",
    )
    await statements
    await eventually(() => pool.query('select 1'), 'It did not work again.')
  }
  await Promise.all([pool.end(), observer.end()])
})

test('frozen server processes do not keep others from being served once they go on', async () => {
  const pool = open(server.url, 2)
  const frozen = await pids(pool, 2)
  for (const pid of frozen) process.kill(pid, 'SIGSTOP')
  const outcomes = await Promise.allSettled(Array.from({ length: 2 }, () => pool.query('select 1')))
  for (const pid of frozen) process.kill(pid, 'SIGCONT')
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await pool.query('select 1')
  expect((await pids(pool, 2)).filter((pid) => frozen.includes(pid))).toEqual([])
  await pool.end()
})

test('a script that fails in its own transaction leaves none behind', async () => {
  const pool = open(server.url, 1)
  await expect(pool.query('begin; select 1 / 0; commit')).rejects.toMatchObject({ code: '22012' })
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await pool.end()
})
