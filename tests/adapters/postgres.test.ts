import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { listStatement } from '../../src/adapters/postgres/list-tasks.ts'
import { changesStatement } from '../../src/adapters/postgres/read-changes.ts'
import { REMIND } from '../../src/adapters/postgres/remind.ts'
import { type PostgresOptions, postgresStorage } from '../../src/adapters/postgres/storage.ts'
import { listChanges } from '../../src/application/list-changes.ts'
import type { FeedPosition } from '../../src/domain/change.ts'
import { editTask, type Task } from '../../src/domain/task.ts'
import {
  ORDERS,
  positionOf,
  SORTS,
  STATUSES,
  type TaskQuery,
  taskQuery,
} from '../../src/domain/task-query.ts'
import { taskStoreContract } from '../contracts/task-store.ts'
import { appOf } from '../support/app.ts'
import { freshDatabase, type PostgresServer, privateServer } from '../support/postgres.ts'
import { silentProxy } from '../support/proxy.ts'
import { countingIds, NOON, put, replace, tickingClock } from '../support/tasks.ts'

const openAt = async (url: string, options: PostgresOptions = {}) => {
  const store = postgresStorage(url, options)
  await store.migrated
  return store
}

setDefaultTimeout(30_000)

const WHOLE = { limit: null, after: null }

taskStoreContract('postgres', async () => openAt(await freshDatabase()))

describe('migrations', () => {
  test('four processes that start at once on an empty database all come up', async () => {
    const url = await freshDatabase()
    const script = `
      const { postgresStorage } = await import('${import.meta.dir}/../../src/adapters/postgres/storage.ts')
      const failures = []
      const store = postgresStorage('${url}', { onOutage: (error) => failures.push(String(error)) })
      await store.migrated
      await store.tasks.ready()
      await store.close()
      console.log(JSON.stringify(failures))`
    const children = Array.from({ length: 4 }, () =>
      Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'pipe' }),
    )
    for (const child of children) {
      expect(await new Response(child.stderr).text()).toBe('')
      expect(JSON.parse(await new Response(child.stdout).text())).toEqual([])
      expect(await child.exited).toBe(0)
    }
    const sql = postgres(url, { max: 1 })
    expect(await sql`select version from taskport.migrations order by version`).toMatchObject([
      { version: 1 },
      { version: 2 },
      { version: 3 },
      { version: 4 },
      { version: 5 },
    ])
    await sql.end()
  })

  test('what is stored survives the next start', async () => {
    const url = await freshDatabase()
    const first = await openAt(url)
    const task = await put(first.tasks, 'alice', 'kept')
    await first.close()
    const second = await openAt(url)
    expect(await second.tasks.get('alice', task.id)).toEqual(task)
    await second.close()
  })

  test('a newer schema is refused and left alone', async () => {
    const url = await freshDatabase()
    await (await openAt(url)).close()
    const sql = postgres(url, { max: 1 })
    await sql`insert into taskport.migrations (version) values (99)`
    await sql.end()
    const { promise: refused, resolve } = Promise.withResolvers<Error>()
    const store = postgresStorage(url, { onRefusal: resolve })
    expect((await refused).message).toMatch(/schema 99.*newer/s)
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    await store.close()
  })

  test('options of hosted databases that the driver does not know do no harm', async () => {
    const store = await openAt(`${await freshDatabase()}?sslmode=disable&channel_binding=prefer`)
    await store.tasks.ready()
    await store.close()
  })
})

test('statements prepared before a table was altered still mean the same', async () => {
  const url = await freshDatabase()
  const { tasks, close } = await openAt(url, { poolSize: 1 })
  const full = {
    title: 'a',
    description: 'null',
    priority: 'high',
    due_date: '2026-02-10',
  } as const
  const rounds: Task[] = []
  const round = async (): Promise<void> => {
    const created = await put(tasks, 'alice', full)
    const done = await replace(
      tasks,
      editTask(created, { completed: true, description: null }, NOON),
    )
    expect(done).toMatchObject({ completed: true, description: null })
    rounds.push(done as Task)
    const { tasks: list } = await tasks.list(
      'alice',
      taskQuery({
        order: 'asc',
        status: 'completed',
        priority: 'high',
        due_before: '2026-02-11',
        q: 'A',
      }),
      WHOLE,
    )
    expect(list).toEqual(rounds)
    expect(await tasks.get('alice', created.id)).toEqual(done as Task)
  }
  await round()
  await round()
  const other = postgres(url, { max: 1 })
  await other`alter table taskport.tasks add column later text default 'x', alter column search_text type varchar(4000)`
  await other`alter table taskport.users alter column task_count type bigint`
  await round()
  await other`alter table taskport.tasks drop column later, alter column search_text type text`
  await round()
  await other.end()
  await close()
})

test('50 toggles of one task at once all take effect', async () => {
  const { tasks, close } = await openAt(await freshDatabase())
  const app = appOf({ tasks, now: tickingClock(), newId: countingIds() })
  const { id } = await app.createTask('alice', { title: 'contended' })
  const toggled = await Promise.all(Array.from({ length: 50 }, () => app.completeTask('alice', id)))
  expect(toggled.map(({ revision }) => revision).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, n) => n + 2),
  )
  expect(await app.getTask('alice', id)).toMatchObject({ completed: false, revision: 51 })
  await close()
})

test('100 creates at once with one key make one task, and all get it', async () => {
  const { tasks, close } = await openAt(await freshDatabase())
  const app = appOf({ tasks, now: tickingClock(), newId: countingIds() })
  const once = { key: 'same', request: 'same' }
  const all = await Promise.all(
    Array.from({ length: 100 }, () => app.createTask('alice', { title: 'once' }, once)),
  )
  expect(new Set(all.map((task) => JSON.stringify(task))).size).toBe(1)
  expect((await tasks.list('alice', taskQuery(), WHOLE)).tasks).toEqual(all.slice(0, 1))
  await close()
})

describe('a history', () => {
  const at = async (url: string, titles: string[]): Promise<FeedPosition> => {
    const store = await openAt(url)
    for (const title of titles) await put(store.tasks, 'alice', title)
    const { position } = await listChanges(store)('alice', null, 100)
    await store.close()
    return position
  }
  const restored = async (url: string, shared: FeedPosition, lost: FeedPosition) => {
    await at(url, ['other 4', 'other 5', 'other 6'])
    const store = await openAt(url)
    const since = listChanges(store)
    await expect(since('alice', lost, 100)).rejects.toMatchObject({ kind: 'gone' })
    expect((await since('alice', shared, 100)).changes).toHaveLength(3)
    await store.close()
  }

  test('is another one in a copy of the database, and the same before the copy', async () => {
    const url = await freshDatabase()
    const shared = await at(url, ['1', '2', '3'])
    const copy = new URL(await freshDatabase())
    const sql = postgres(url.replace(/[^/]*$/, 'postgres'), { max: 1, onnotice: () => {} })
    const [from, to] = [new URL(url), copy].map(({ pathname }) => pathname.slice(1))
    await sql.unsafe(`drop database ${to}`)
    await sql.unsafe(`create database ${to} template ${from}`)
    await sql.end()
    await restored(copy.href, shared, await at(url, ['4', '5']))
  })

  test('is another one when the rows are put back to an earlier state', async () => {
    const url = await freshDatabase()
    const shared = await at(url, ['1', '2', '3'])
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    for (const table of ['users', 'tasks']) {
      await sql.unsafe(`create table ${table}_backup as select * from taskport.${table}`)
    }
    const lost = await at(url, ['4', '5'])
    for (const table of ['users', 'tasks']) {
      await sql.unsafe(`truncate taskport.${table}`)
      const [row] = await sql`
        select string_agg(column_name, ',') as columns from information_schema.columns
        where table_schema = 'taskport' and table_name = ${table} and is_generated = 'NEVER'`
      const columns = row?.['columns']
      await sql.unsafe(
        `insert into taskport.${table} (${columns}) select ${columns} from ${table}_backup`,
      )
    }
    await sql.end()
    await restored(url, shared, lost)
  })
})

describe('plans on 100 000 tasks', () => {
  let sql: postgres.Sql
  const USERS = 1000
  const PER_USER = 100

  beforeAll(async () => {
    const url = await freshDatabase()
    await (await openAt(url)).close()
    sql = postgres(url, { max: 1, onnotice: () => {} })
    await sql`
      insert into taskport.users (id, revision, task_count)
      select 'user-' || n, ${PER_USER}, ${PER_USER} from generate_series(1, ${USERS}) as n`
    await sql`
      insert into taskport.tasks
      select 'user-' || (n % ${USERS} + 1), gen_random_uuid(), 'Task ' || n, null, n % 3 <> 0,
        (array['low', 'medium', 'high', null])[n % 4 + 1],
        case when n % 5 > 0 then '2026-02-10' end, ${NOON}, ${NOON}, n / ${USERS} + 1,
        'task ' || md5(n::text), case when n % 5 > 0 then '2026-02-' || 10 + n % 15 || 'T24' end,
        'task ' || n || ' '
      from generate_series(0, ${USERS * PER_USER - 1}) as n`
    await sql`
      insert into taskport.deletions
      select 'user-' || (n % ${USERS} + 1), ${PER_USER} + n / ${USERS} + 1, gen_random_uuid(), ${NOON}
      from generate_series(0, ${USERS * PER_USER - 1}) as n`
    await sql`analyze taskport.tasks, taskport.users, taskport.deletions`
  })
  afterAll(() => sql?.end())

  type Node = {
    'Node Type': string
    'Index Name'?: string
    'Relation Name'?: string
    Plans?: Node[]
  }
  const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)]

  const FILTERS = [
    {},
    { priority: 'high' },
    { q: 'task 7' },
    { due_before: '2026-02-11', due_after: '2026-02-09' },
  ]
  const indexOf = ({ sort, order, status }: TaskQuery): string =>
    ({
      created: status === 'pending' ? 'tasks_pending' : 'tasks_pkey',
      title: 'tasks_title',
      due_date: `tasks_due_${order}`,
    })[sort]
  const middle = {
    id: '80000000-0000-4000-8000-000000000000',
    title: 'task 8',
    due_date: '2026-02-15',
  } as Task

  test('changes are read along the indexes by revision, merged without sorting', async () => {
    const [text, parameters] = changesStatement('user-7', 50, 50, 100)
    const [row] = await sql.unsafe(`explain (format json) ${text}`, parameters as string[])
    const plan = nodes(row?.['QUERY PLAN'][0].Plan)
    const kinds = new Set(plan.map((node) => node['Node Type']))
    for (const kind of ['Sort', 'Incremental Sort', 'Seq Scan', 'Bitmap Heap Scan']) {
      expect(kinds).not.toContain(kind)
    }
    const used = plan.map((node) => node['Index Name'])
    for (const index of ['tasks_revision', 'deletions_pkey', 'users_pkey']) {
      expect(used).toContain(index)
    }
  })

  test('reminders are found through the index of the armed ones, however many tasks there are', async () => {
    await sql`
      update taskport.tasks set remind_at = '2026-02-' || 10 + revision % 15 || 'T09:00:00.000Z'
      where revision % 10 = 0`
    await sql`analyze taskport.tasks`
    const [row] = await sql.unsafe(`explain (format json) ${REMIND}`, [NOON, '200'])
    const plan = nodes(row?.['QUERY PLAN'][0].Plan)
    expect(plan.map((node) => node['Index Name'])).toContain('tasks_armed')
    const scanned = plan.filter((node) => node['Node Type'] === 'Seq Scan')
    expect(scanned.map((node) => node['Relation Name'])).not.toContain('tasks')
  })

  describe.each(SORTS)('by %s', (sort) => {
    describe.each(ORDERS)('%s', (order) => {
      test.each(STATUSES)(
        '%s tasks are read along an index, whatever the filter and page',
        async (status) => {
          for (const filter of FILTERS) {
            for (const limit of [null, 50]) {
              const query = taskQuery({ sort, order, status, ...filter })
              for (const after of [null, positionOf(middle, query)]) {
                const [text, values] = listStatement('user-7', query, { limit, after })
                const explained = `explain (format json) ${text}`
                const [row] = await sql.unsafe(explained, values as string[])
                const plan = nodes(row?.['QUERY PLAN'][0].Plan)
                const kinds = new Set(plan.map((node) => node['Node Type']))
                for (const kind of ['Sort', 'Incremental Sort', 'Seq Scan', 'Bitmap Heap Scan']) {
                  expect(kinds).not.toContain(kind)
                }
                expect(plan.map((node) => node['Index Name'])).toContain(indexOf(query))
              }
            }
          }
        },
      )
    })
  })
})

describe('a server that is away', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await privateServer()
  })
  afterAll(() => server?.close())

  test('at the start: unavailable, then ready by itself', async () => {
    await server.stop()
    const { promise: failed, resolve } = Promise.withResolvers<unknown>()
    const store = postgresStorage(server.url, { onOutage: resolve })
    expect(await failed).toBeInstanceOf(Error)
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(put(store.tasks, 'alice', 'too early')).rejects.toMatchObject({
      kind: 'unavailable',
    })
    await server.start()
    await store.migrated
    await store.tasks.ready()
    expect(await put(store.tasks, 'alice', 'in time')).toMatchObject({ revision: 1 })
    await store.close()
  })

  test('in the middle: every call settles, and nothing acknowledged is lost', async () => {
    const store = await openAt(server.url)
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
      while (acknowledged.length < enough) await Bun.sleep(2)
      await server.stop()
      await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
      await server.start()
    }
    done = true
    await Promise.all(writers)
    expect([...outcomes].sort()).toEqual(['unavailable', 'written'])
    const { tasks: kept, revision } = await store.tasks.list('crash', taskQuery(), WHOLE)
    const ids = new Set(kept.map(({ id }) => id))
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
    expect(kept.map((task) => task.revision).sort((a, b) => a - b)).toEqual(
      Array.from({ length: revision }, (_, n) => n + 1),
    )
    await store.close()
  })

  test('restarted: a new history begins, and the old one is gone on from', async () => {
    const store = await openAt(server.url)
    await put(store.tasks, 'restart', 'before')
    const { position } = await listChanges(store)('restart', null, 10)
    await server.stop()
    await server.start()
    while (
      !(await store.tasks.ready().then(
        () => true,
        () => false,
      ))
    ) {}
    await put(store.tasks, 'restart', 'after')
    const next = await listChanges(store)('restart', position, 10)
    expect(next.changes).toHaveLength(1)
    expect(next.position.history).not.toBe(position.history)
    expect(position.history).not.toBeNull()
    await store.close()
  })

  test('frozen: queries end at their deadline and the pool recovers', async () => {
    const proxy = silentProxy(server.url)
    const store = await openAt(proxy.url, {
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
    for (;;) {
      const ready = await store.tasks.ready().then(
        () => true,
        () => false,
      )
      if (ready) break
    }
    expect(await put(store.tasks, 'frozen', 'after')).toMatchObject({ title: 'after' })
    await store.close()
    proxy.close()
  })

  test('frozen, then gone: giving up on a query harms nothing', async () => {
    const proxy = silentProxy(server.url)
    const store = await openAt(proxy.url, { poolSize: 1, queryDeadline: 100 })
    await store.tasks.ready()
    proxy.goSilent()
    proxy.refuse()
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    await store.close()
  })

  test('busy: a wait for a connection is bounded', async () => {
    const store = await openAt(server.url, { poolSize: 2, connectionDeadline: 100 })
    await put(store.tasks, 'busy', 'first')
    const blocker = postgres(server.url, { max: 1 })
    const { promise: locked, resolve: taken } = Promise.withResolvers<void>()
    const { promise: over, resolve: release } = Promise.withResolvers<void>()
    const holding = blocker.begin(async (sql) => {
      await sql`lock table taskport.tasks`
      taken()
      await over
    })
    await locked
    const titles = ['a', 'b', 'c', 'd']
    const held = titles.map((title) => put(store.tasks, title, title))
    const late = await store.tasks.ready().then(
      () => 'ready',
      (error) => error.cause,
    )
    expect(late).toBe('too busy')
    release()
    await holding
    expect(await Promise.all(held)).toMatchObject(titles.map((title) => ({ title })))
    await blocker.end()
    await store.close()
  })
})
