import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { postgresStorage } from '../../../src/adapters/postgres/storage.ts'
import { listChanges } from '../../../src/application/changes/list-changes.ts'
import type { TaskStore } from '../../../src/application/ports.ts'
import { taskQuery } from '../../../src/domain/task-query.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { type PostgresServer, privateServer } from '../../support/postgres.ts'
import { silentProxy } from '../../support/proxy.ts'
import { put, WHOLE } from '../../support/tasks.ts'
import { eventually, within } from '../../support/wait.ts'

setDefaultTimeout(30_000)

const untilReady = (tasks: TaskStore): Promise<unknown> =>
  eventually(() => tasks.ready().then(() => true), 'The storage did not become ready.')

describe('a server that is away', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await privateServer()
  })
  afterAll(() => server?.close())

  test('at the start: not ready, and requests wait until it is there', async () => {
    await server.stop()
    const { promise: failed, resolve } = Promise.withResolvers<unknown>()
    const store = postgresStorage(server.url, { onOutage: resolve })
    expect(await within(failed, 'No attempt failed.')).toBeInstanceOf(Error)
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    const early = put(store.tasks, 'alice', 'waits for the database')
    await server.start()
    expect(await within(early, 'The first write did not end.')).toMatchObject({ revision: 1 })
    await store.tasks.ready()
    await store.close()
  })

  test('in the middle: every call settles, and nothing acknowledged is lost', async () => {
    const store = await openPostgres(server.url)
    const acknowledged: string[] = []
    const outcomes = new Set<string>()
    let done = false
    const writer = async (n: number): Promise<void> => {
      while (!done) {
        try {
          const { id } = await put(store.tasks, 'crash', `writer ${n}`)
          acknowledged.push(id)
          outcomes.add('written')
        } catch (error) {
          outcomes.add((error as { kind?: string }).kind ?? String(error))
          await Bun.sleep(5)
        }
      }
    }
    const writers = Array.from({ length: 16 }, (_, n) => writer(n))
    for (let crash = 0; crash < 3; crash++) {
      const enough = acknowledged.length + 50
      await eventually(() => acknowledged.length >= enough, 'The writers made no progress.', 20_000)
      await server.stop()
      await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
      await server.start()
    }
    done = true
    await Promise.all(writers)
    expect([...outcomes].sort()).toEqual(['unavailable', 'written'])
    const { tasks: list, version } = await store.tasks.list('crash', taskQuery(), WHOLE)
    const kept = list.value()
    const ids = new Set(kept.map(({ id }) => id))
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
    expect(kept.map((task) => task.revision).sort((a, b) => a - b)).toEqual(
      Array.from({ length: version.revision }, (_, n) => n + 1),
    )
    await store.close()
  })

  test('restarted: a new timeline begins, and the old one is continued', async () => {
    const store = await openPostgres(server.url)
    await put(store.tasks, 'restart', 'before')
    const { position } = await listChanges(store)('restart', null, 10)
    await server.stop()
    await server.start()
    await untilReady(store.tasks)
    await put(store.tasks, 'restart', 'after')
    const next = await listChanges(store)('restart', position, 10)
    expect(next.changes.value()).toHaveLength(1)
    expect(next.position.timeline).not.toBe(position.timeline)
    expect(position.timeline).not.toBeNull()
    await store.close()
  })

  test('frozen: queries end at their deadline and the pool recovers', async () => {
    const proxy = silentProxy(server.url)
    const store = await openPostgres(proxy.url, {
      poolSize: 2,
      queryDeadline: 100,
      connectionDeadline: 50,
    })
    await Promise.all([store.tasks.ready(), store.tasks.ready()])
    proxy.goSilent()
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => store.tasks.ready()))
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } })
    }
    proxy.speak()
    await untilReady(store.tasks)
    expect(await put(store.tasks, 'frozen', 'after')).toMatchObject({ title: 'after' })
    await store.close()
    proxy.close()
  })

  test('frozen, then gone: giving up on a query harms nothing', async () => {
    const proxy = silentProxy(server.url)
    const store = await openPostgres(proxy.url, { poolSize: 1, queryDeadline: 100 })
    await store.tasks.ready()
    proxy.goSilent()
    proxy.refuse()
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    await store.close()
  })

  test('busy: a wait for a turn is bounded', async () => {
    const store = await openPostgres(server.url, { poolSize: 2, connectionDeadline: 100 })
    await put(store.tasks, 'busy', 'first')
    const blocker = postgres(server.url, { max: 1 })
    const { promise: locked, resolve: taken } = Promise.withResolvers<void>()
    const { promise: over, resolve: release } = Promise.withResolvers<void>()
    const holding = blocker.begin(async (sql) => {
      await sql`lock table taskport.users`
      taken()
      await over
    })
    await within(locked, 'The lock was not taken.')
    const held: Promise<unknown>[] = []
    for (const title of ['a', 'b']) {
      held.push(put(store.tasks, title, title))
      // Calls of one turn of the event loop would share a lane.
      await new Promise((resolve) => setTimeout(resolve))
    }
    const late = await put(store.tasks, 'c', 'c').then(
      () => 'created',
      (error) => error.cause,
    )
    expect(late).toBe('too busy')
    release()
    await holding
    expect(await Promise.all(held)).toMatchObject([{ title: 'a' }, { title: 'b' }])
    await blocker.end()
    await store.close()
  })
})
