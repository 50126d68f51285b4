import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { editTask, type Task } from '../../../src/domain/task.ts'
import { taskQuery } from '../../../src/domain/task-query.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { LATER, NOON, put, replace, WHOLE } from '../../support/tasks.ts'

setDefaultTimeout(30_000)

let storage: Awaited<ReturnType<typeof openPostgres>>
let sql: postgres.Sql

beforeAll(async () => {
  const url = await freshDatabase()
  storage = await openPostgres(url)
  sql = postgres(url, { max: 1, onnotice: () => {} })
})
afterAll(async () => {
  await sql?.end()
  await storage?.close()
})

test('a document of another format has all fields when it is read, however it is', async () => {
  const { tasks } = storage
  const old = await put(tasks, 'alice', 'old')
  const { description: _, remind_at: __, ...rest } = old
  await sql`
    update taskport.tasks set document = ${JSON.stringify(rest)}, format = 4 where id = ${old.id}`
  const present = await put(tasks, 'alice', 'present')
  const list = await tasks.list('alice', taskQuery({ order: 'asc' }), WHOLE)
  expect(list.tasks.value()).toEqual([old, present])
  expect((await tasks.get('alice', old.id))?.document.value()).toEqual(old)
  const together = await Promise.all([old, present, old].map(({ id }) => tasks.get('alice', id)))
  expect(together.map((task) => task?.document.value())).toEqual([old, present, old])
  const feed = await tasks.changes('alice', 0, 0, 10)
  expect(feed.changes.value()).toMatchObject([{ task: old }, { task: present }])
})

test('members that this program does not know survive a change', async () => {
  const { tasks } = storage
  const task = await put(tasks, 'bob', 'of a newer program')
  await sql`
    update taskport.tasks set format = 99,
      document = ${JSON.stringify({ ...task, colour: 'red' })} where id = ${task.id}`
  const read = (await tasks.get('bob', task.id))?.document.value() as Task
  await replace(tasks, editTask(read, { title: 'changed' }, LATER))
  expect((await tasks.get('bob', task.id))?.document.value()).toMatchObject({
    title: 'changed',
    colour: 'red',
    revision: 2,
  })
})

test('timelines that ended ninety days ago are dropped, the present one never', async () => {
  const { tasks } = storage
  await put(tasks, 'carol', 'a')
  const known = [
    { name: 'ended', revision: 1, at: '2020-01-01T00:00:00.000Z' },
    { name: 'long', revision: 2, at: '2020-02-01T00:00:00.000Z' },
    { name: 'recent', revision: 3, at: '2026-01-20T00:00:00.000Z' },
  ]
  await sql`
    update taskport.users set started = null, timelines = ${JSON.stringify(known)}
    where id = 'carol'`
  await put(tasks, 'carol', 'b', { at: NOON })
  const { timelines } = await tasks.changes('carol', 0, 0, 10)
  expect(timelines.map(({ name }) => name).slice(0, -1)).toEqual(['long', 'recent'])
  expect(timelines.at(-1)).toMatchObject({ revision: 2, at: NOON })
})
