import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { openPool } from '../../../src/adapters/pg/pool.ts'
import { taskQuery } from '../../../src/domain/task-query.ts'
import { jobOf, openQueue } from '../../support/jobs.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { type PostgresServer, privateServer } from '../../support/postgres.ts'
import { silentProxy } from '../../support/proxy.ts'
import { put, WHOLE } from '../../support/tasks.ts'
import { eventually, within } from '../../support/wait.ts'

setDefaultTimeout(60_000)

type Way = 'several hosts' | 'one address'

describe.each<Way>(['several hosts', 'one address'])('fail-over to a standby, %s', (way) => {
  let primary: PostgresServer
  let standby: PostgresServer
  beforeAll(async () => {
    primary = await privateServer({ synchronous_standby_names: '*' })
    await primary.stop()
    standby = await privateServer({}, { primary })
    await primary.start()
  })
  afterAll(async () => {
    await standby?.close()
    await primary?.close()
  })

  test('loses nothing that was acknowledged, and writes work again within 10 s', async () => {
    const proxy = silentProxy(primary.url)
    const { host: first } = new URL(primary.url)
    const { host: second } = new URL(standby.url)
    const url =
      way === 'one address' ? proxy.url : `postgres://postgres@${first},${second}/postgres`
    const store = await openPostgres(url)
    const queue = await openQueue(url)
    const acknowledged: string[] = []
    const outcomes = new Set<string>()
    let over = false
    const writer = async (n: number): Promise<void> => {
      while (!over) {
        try {
          acknowledged.push((await put(store.tasks, 'alice', `writer ${n}`)).id)
        } catch (error) {
          outcomes.add((error as { kind?: string }).kind ?? String(error))
          await Bun.sleep(5)
        }
      }
    }
    const writers = Promise.all(Array.from({ length: 8 }, (_, n) => writer(n)))
    await eventually(() => acknowledged.length > 50, 'The writers made no progress.')
    await primary.stop()
    await administer(standby.url, 'select pg_promote(wait => false)')
    if (way === 'one address') proxy.switchTo(standby.url)
    const goal = acknowledged.length + 50
    await eventually(() => acknowledged.length > goal, 'Writes do not work again.')
    over = true
    await within(writers, 'A write did not end.')
    expect([...outcomes].filter((kind) => kind !== 'unavailable')).toEqual([])
    const { tasks } = await store.tasks.list('alice', taskQuery(), WHOLE)
    const ids = new Set(tasks.value().map(({ id }) => id))
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
    await eventually(
      () =>
        queue.enqueue([jobOf('after')]).then(
          () => true,
          () => false,
        ),
      'Jobs do not work again.',
    )
    await Promise.all([queue.stop(), store.close()])
    proxy.close()
  })
})

test('a connection that can only read is replaced', async () => {
  const server = await privateServer()
  const elsewhere = new URL('/template1', server.url).href
  const store = await openPostgres(server.url, { poolSize: 1 })
  await administer(elsewhere, 'alter database postgres set default_transaction_read_only = on')
  await administer(elsewhere, ENDING_OTHERS)
  const refused = (): Promise<boolean> =>
    put(store.tasks, 'alice', 'refused').then(
      () => false,
      (error) => error.kind === 'unavailable' && error.cause?.code === '25006',
    )
  await eventually(refused, 'It is still written to.')
  await administer(elsewhere, 'alter database postgres reset default_transaction_read_only')
  expect(await put(store.tasks, 'alice', 'after')).toMatchObject({ title: 'after' })
  await store.close()
  await server.close()
})

const ENDING_OTHERS =
  'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()'

const administer = async (url: string, statement: string): Promise<void> => {
  const pool = openPool(url, { name: 'test', size: 1, connectionDeadline: 5000 })
  try {
    await pool.query(statement)
  } finally {
    await pool.end()
  }
}
