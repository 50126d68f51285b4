import { Database, type SQLQueryBindings } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/adapters/sqlite/database.ts'
import { listStatements } from '../../src/adapters/sqlite/read-tasks.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { listChanges } from '../../src/application/changes/list-changes.ts'
import type { FeedPosition } from '../../src/domain/change.ts'
import { NO_DUE_DATE } from '../../src/domain/task.ts'
import { ORDERS, SORTS, STATUSES, taskQuery } from '../../src/domain/task-query.ts'
import { storageContract } from '../contracts/storage.ts'
import { appOf } from '../support/app.ts'
import { temporaryFolder } from '../support/folder.ts'
import { countingIds, put, replace, taskOf, tickingClock, WHOLE } from '../support/tasks.ts'

const newPath = () => join(temporaryFolder(), 'deep/down/taskport.db')

storageContract('sqlite', () => sqliteStorage(newPath()))

test('the file and its folder are made, and what is stored survives', async () => {
  const path = newPath()
  const first = sqliteStorage(path)
  const task = await put(first.tasks, 'alice', 'kept')
  first.close()
  expect(existsSync(path)).toBe(true)
  const second = sqliteStorage(path)
  expect(await taskOf(second.tasks, 'alice', task.id)).toEqual(task)
  second.close()
})

test('a backup put back is another timeline from where it was taken, and the same before', async () => {
  const path = newPath()
  const write = async (titles: string[]): Promise<FeedPosition> => {
    const store = sqliteStorage(path)
    for (const title of titles) await put(store.tasks, 'alice', title)
    const { position } = await listChanges(store)('alice', null, 100)
    store.close()
    return position
  }
  const shared = await write(['1', '2', '3'])
  copyFileSync(path, `${path}.backup`)
  const lost = await write(['4', '5'])
  copyFileSync(`${path}.backup`, path)
  const early = await write([])
  const kept = await write(['other 4', 'other 5', 'other 6'])
  const store = sqliteStorage(path)
  const since = async (position: FeedPosition) =>
    (await listChanges(store)('alice', position, 100)).changes.value()
  await expect(since(lost)).rejects.toMatchObject({ kind: 'gone' })
  for (const position of [shared, early]) expect(await since(position)).toHaveLength(3)
  expect(await since(kept)).toEqual([])
  expect(await since({ ...lost, timeline: null })).toHaveLength(1)
  store.close()
})

test('a task has the timeline that its revision was taken in, its owner the last one', async () => {
  const path = newPath()
  const first = sqliteStorage(path)
  const old = await put(first.tasks, 'alice', 'old')
  const edited = await put(first.tasks, 'alice', 'edited')
  const [before] = await first.tasks.versions(['alice'])
  first.close()
  const second = sqliteStorage(path)
  await replace(second.tasks, edited)
  const fresh = await put(second.tasks, 'alice', 'new')
  const [after] = await second.tasks.versions(['alice'])
  second.close()
  const { tasks, close } = sqliteStorage(path)
  const { timelines } = await tasks.changes('alice', 0, 0, 1)
  const [a, b] = timelines.map(({ name }) => name)
  expect(timelines.map(({ revision }) => revision)).toEqual([1, 3])
  expect(a).not.toBe(b ?? '')
  expect([before, after].map((each) => each?.version)).toEqual([
    { revision: 2, timeline: a ?? '' },
    { revision: 4, timeline: b ?? '' },
  ])
  for (const [{ id }, timeline] of [
    [old, a],
    [edited, b],
    [fresh, b],
  ] as const) {
    expect((await tasks.get('alice', id))?.version.timeline).toBe(timeline ?? '')
  }
  close()
})

test('a timeline is kept for 90 days after the next one began, however many there are', async () => {
  const path = newPath()
  const day = (n: number): string => new Date(Date.UTC(2026, 0, 1 + n)).toISOString()
  const timelinesAfter = async (at: string) => {
    const store = sqliteStorage(path)
    await put(store.tasks, 'alice', 'x', { at })
    const { timelines } = await store.tasks.changes('alice', 0, 0, 1)
    store.close()
    return timelines.map((timeline) => timeline.at)
  }
  for (let n = 0; n < 40; n++) await timelinesAfter(day(0))
  expect(await timelinesAfter(day(10))).toHaveLength(41)
  expect(await timelinesAfter(day(90))).toHaveLength(42)
  expect(await timelinesAfter(day(91))).toEqual([day(0), day(10), day(90), day(91)])
  expect(await timelinesAfter(day(300))).toEqual([day(91), day(300)])
})

/** Changes what is stored while nothing else has it open. */
const edit = (path: string, statement: string, ...parameters: SQLQueryBindings[]): void => {
  const db = new Database(path)
  db.query(statement).run(...parameters)
  db.close()
}

test('a document of another format comes back complete, in every way of reading it', async () => {
  const path = newPath()
  const first = sqliteStorage(path)
  const whole = [await put(first.tasks, 'alice', 'a'), await put(first.tasks, 'alice', 'b')]
  first.close()
  const remove = "json_remove(document, '$.priority', '$.remind_at')"
  edit(path, `update tasks set format = 4, document = ${remove} where revision = 1`)
  const { tasks, close } = sqliteStorage(path)
  for (const task of whole) {
    const text = JSON.stringify(task)
    expect((await tasks.get('alice', task.id))?.document.text()).toBe(text)
    const [found] = await tasks.find('alice', [task.id])
    expect(found?.document.text()).toBe(text)
  }
  for (const page of [WHOLE, { limit: 1, after: null }]) {
    const list = await tasks.list('alice', taskQuery({ order: 'asc' }), page)
    expect(list.tasks.value()).toEqual(page === WHOLE ? whole : whole.slice(0, 1))
  }
  const { changes } = await tasks.changes('alice', 0, 0, 10)
  expect(changes.value().map((change) => 'task' in change && change.task)).toEqual(whole)
  close()
})

test('members of a document that are not known survive a change', async () => {
  const path = newPath()
  const first = sqliteStorage(path)
  const { id } = await put(first.tasks, 'alice', 'a')
  first.close()
  edit(path, "update tasks set document = json_set(document, '$.later', json('{\"a\":[1]}'))")
  const { tasks, close } = sqliteStorage(path)
  const app = appOf({ tasks, now: tickingClock(), newId: countingIds() })
  await app.updateTask('alice', id, { title: 'b' })
  await app.completeTask('alice', id)
  expect((await tasks.get('alice', id))?.document.value()).toMatchObject({
    later: { a: [1] },
    title: 'b',
    completed: true,
    revision: 3,
  } as object)
  close()
})

test('writes are durable and tables strict', () => {
  const { db, close } = openDatabase(newPath())
  const pragma = (name: string) => Object.values(db.query(`pragma ${name}`).get() as object)[0]
  expect(pragma('journal_mode')).toBe('wal')
  expect(pragma('synchronous')).toBe(2)
  expect(pragma('foreign_keys')).toBe(1)
  const tables = db.query<{ name: string; strict: number }, []>('pragma table_list').all()
  const own = tables.filter(({ name }) => ['users', 'tasks', 'changes', 'webhooks'].includes(name))
  expect(own.map(({ strict }) => strict)).toEqual([1, 1, 1, 1])
  close()
})

test('a second opener is refused with a clear message, and may come when the first has gone', () => {
  const path = newPath()
  const { close } = openDatabase(path)
  expect(() => openDatabase(path)).toThrow(/in use by another Taskport process/)
  close()
  openDatabase(path).close()
})

test('a newer schema, a file of another program and a broken one are refused and left alone', () => {
  const newer = newPath()
  const { db, close } = openDatabase(newer)
  db.run('pragma user_version = 99')
  close()
  expect(() => openDatabase(newer)).toThrow(/schema 99.*newer/)

  const foreign = join(temporaryFolder(), 'other.db')
  const other = new Database(foreign, { create: true })
  other.run('create table notes (id integer)')
  other.close()
  expect(() => openDatabase(foreign)).toThrow(/another program/)
  const after = new Database(foreign)
  expect(after.query('select name from sqlite_master').all()).toEqual([{ name: 'notes' }])
  after.close()

  const broken = join(temporaryFolder(), 'broken.db')
  writeFileSync(broken, 'this is no database file, '.repeat(100))
  expect(() => openDatabase(broken)).toThrow(
    /Cannot open the SQLite database .*broken\.db.*DATABASE_URL/s,
  )

  const folder = join(temporaryFolder(), 'folder.db')
  mkdirSync(folder)
  expect(() => openDatabase(folder)).toThrow(/DATABASE_URL/)
})

test('no room left is unavailable, and nothing is half written', async () => {
  const path = newPath()
  const script = `
    const { sqliteStorage } = await import('${import.meta.dir}/../../src/adapters/sqlite/storage.ts')
    const { put, revisionOf } = await import('${import.meta.dir}/../support/tasks.ts')
    const { tasks } = sqliteStorage('${path}')
    const big = { title: 'big', description: 'x'.repeat(1000) }
    let stored = 0
    for (;;) {
      const error = await put(tasks, 'alice', big).then(() => undefined, (error) => error)
      if (!error) stored++
      else {
        console.log(JSON.stringify({ kind: error.kind, stored, seen: await revisionOf(tasks, 'alice') }))
        process.exit()
      }
    }`
  const limit = ['/bin/sh', '-c', `trap '' XFSZ; ulimit -f 6000; exec "$0" -e "$1"`]
  const child = Bun.spawn([...limit, process.execPath, script], { stdout: 'pipe' })
  const { kind, stored, seen } = JSON.parse(await new Response(child.stdout).text())
  expect(kind).toBe('unavailable')
  expect(stored).toBeGreaterThan(10)
  expect(seen).toBe(stored)
  const { tasks, close } = sqliteStorage(path)
  const list = await tasks.list('alice', taskQuery(), WHOLE)
  expect([list.tasks.value().length, list.version.revision]).toEqual([stored, stored])
  expect(await put(tasks, 'alice', 'fits again')).toMatchObject({ revision: stored + 1 })
  close()
})

test('every list is read along an index, without sorting', () => {
  const { db, close } = openDatabase(newPath())
  for (const sort of SORTS) {
    for (const order of ORDERS) {
      for (const status of STATUSES) {
        for (const filter of [{}, { priority: 'low', q: 'x', due_after: '2026-01-01' }] as const) {
          for (const after of [null, { key: 'k', id: 'x' }, { key: NO_DUE_DATE, id: 'x' }]) {
            const query = taskQuery({ sort, order, status, ...filter })
            for (const { text, parameters } of listStatements('alice', query, {
              limit: 50,
              after,
            })) {
              const plan = db
                .query<{ detail: string }, SQLQueryBindings[]>(`explain query plan ${text}`)
                .all(...parameters, 50)
              const details = plan.map(({ detail }) => detail).join('\n')
              expect(details).toMatch(
                /^SEARCH tasks USING (PRIMARY KEY|INDEX tasks_(pending|title|due))/,
              )
              expect(details).not.toContain('TEMP B-TREE')
              if (sort !== 'created') {
                expect(details).toContain(sort === 'title' ? 'tasks_title' : 'tasks_due')
              }
            }
          }
        }
      }
    }
  }
  close()
})
