import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { editTask, type Task } from '../../../src/domain/task.ts'
import { taskQuery } from '../../../src/domain/task-query.ts'
import { appOf } from '../../support/app.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { countingIds, NOON, put, replace, tickingClock, WHOLE } from '../../support/tasks.ts'
import { within } from '../../support/wait.ts'

setDefaultTimeout(30_000)

test('statements prepared before a table was altered still mean the same', async () => {
  const url = await freshDatabase()
  const { tasks, close } = await openPostgres(url, { poolSize: 1 })
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
    const list = await tasks.list(
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
    expect(list.tasks.value()).toEqual(rounds)
    expect((await tasks.get('alice', created.id))?.document.value()).toEqual(done as Task)
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
  const { tasks, close } = await openPostgres(await freshDatabase())
  const app = appOf({ tasks, now: tickingClock(), newId: countingIds() })
  const { task } = await app.createTask('alice', { title: 'contended' })
  const toggled = await Promise.all(
    Array.from({ length: 50 }, () => app.completeTask('alice', task.id)),
  )
  expect(toggled.map(({ version }) => version.revision).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, n) => n + 2),
  )
  const { document } = await app.getTask('alice', task.id)
  expect(document.value()).toMatchObject({ completed: false, revision: 51 })
  await close()
})

test('100 creates at once with one key make one task, and all get it', async () => {
  const { tasks, close } = await openPostgres(await freshDatabase())
  const app = appOf({ tasks, now: tickingClock(), newId: countingIds() })
  const key = { key: 'same', request: 'same' }
  const all = await Promise.all(
    Array.from({ length: 100 }, () => app.createTask('alice', { title: 'once' }, key)),
  )
  expect(new Set(all.map(({ task, version }) => JSON.stringify([task, version]))).size).toBe(1)
  expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1)
  const list = await tasks.list('alice', taskQuery(), WHOLE)
  expect(list.tasks.value()).toEqual(all.slice(0, 1).map(({ task }) => task))
  await close()
})

describe('calls that share a statement', () => {
  /** The lanes are full while the lock is held, so what comes meanwhile goes together. */
  const whileLocked = async <Result>(
    url: string,
    statement: string,
    calls: () => Promise<Result>,
  ): Promise<Result> => {
    const blocker = postgres(url, { max: 1, onnotice: () => {} })
    const { promise: locked, resolve: taken } = Promise.withResolvers<void>()
    const { promise: over, resolve: release } = Promise.withResolvers<void>()
    const holding = blocker.begin(async (sql) => {
      await sql.unsafe(statement)
      taken()
      await over
    })
    await within(locked, 'The lock was not taken.')
    try {
      return await within(calls(), 'The calls did not end while the lock was held.')
    } finally {
      release()
      await holding
      await blocker.end()
    }
  }

  test('one locked owner does not hold the others', async () => {
    const url = await freshDatabase()
    const { tasks, close } = await openPostgres(url)
    const owners = Array.from({ length: 40 }, (_, n) => `neighbour-${n}`)
    for (const owner of [...owners, 'locked']) await put(tasks, owner, 'first')
    let late: Promise<Task> | undefined
    await whileLocked(
      url,
      `select from taskport.users where id = 'locked' for update`,
      async () => {
        const early = owners.slice(0, 20).map((owner) => put(tasks, owner, 'second'))
        late = put(tasks, 'locked', 'second')
        const rest = owners.slice(20).map((owner) => put(tasks, owner, 'second'))
        expect(await Promise.all([...early, ...rest])).toMatchObject(
          owners.map(() => ({ revision: 2 })),
        )
      },
    )
    expect(await late).toMatchObject({ revision: 2 })
    await close()
  })

  test('one that the server refuses fails alone, and the others take effect once', async () => {
    const { tasks, close } = await openPostgres(await freshDatabase())
    const { id } = await put(tasks, 'user-7', 'there')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, n) =>
        put(tasks, `user-${n}`, `task ${n}`, n === 7 ? { id } : {}),
      ),
    )
    expect(outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([7])
    for (let n = 0; n < 30; n++) {
      const list = await tasks.list(`user-${n}`, taskQuery(), WHOLE)
      expect(list.tasks.value().map(({ title }) => title)).toEqual([
        n === 7 ? 'there' : `task ${n}`,
      ])
      expect(list.version.revision).toBe(1)
    }
    await close()
  })
})

test('a statement that fails after some of its rows leaves nothing behind for the next one', async () => {
  const { tasks, close } = await openPostgres(await freshDatabase(), { poolSize: 1 })
  const owners = Array.from({ length: 12 }, (_, n) => `owner-${String(n).padStart(2, '0')}`)
  const { id } = await put(tasks, owners.at(-1) ?? '', 'there')
  const writes = owners.map((owner, n) =>
    put(tasks, owner, 'new', n === owners.length - 1 ? { id } : {}),
  )
  const outcomes = await Promise.allSettled(writes)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  for (const owner of owners) {
    const list = await tasks.list(owner, taskQuery(), WHOLE)
    expect(list.tasks.value()).toHaveLength(1)
    expect(list.version.revision).toBe(1)
  }
  await close()
})
