import { Database, type SQLQueryBindings } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/adapters/sqlite/database.ts'
import { listStatement } from '../../src/adapters/sqlite/list-tasks.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { listChanges } from '../../src/application/list-changes.ts'
import type { FeedPosition } from '../../src/domain/change.ts'
import { ORDERS, SORTS, STATUSES, taskQuery } from '../../src/domain/task-query.ts'
import { taskStoreContract } from '../contracts/task-store.ts'
import { temporaryFolder } from '../support/folder.ts'
import { put } from '../support/tasks.ts'

const newPath = () => join(temporaryFolder(), 'deep/down/taskport.db')

taskStoreContract('sqlite', () => sqliteStorage(newPath()))

test('the file and its folder are made, and what is stored survives', async () => {
  const path = newPath()
  const first = sqliteStorage(path)
  const task = await put(first.tasks, 'alice', 'kept')
  first.close()
  expect(existsSync(path)).toBe(true)
  const second = sqliteStorage(path)
  expect(await second.tasks.get('alice', task.id)).toEqual(task)
  second.close()
})

test('a backup put back is another history from where it was taken, and the same before', async () => {
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
  const since = listChanges(store)
  await expect(since('alice', lost, 100)).rejects.toMatchObject({ kind: 'gone' })
  for (const position of [shared, early]) {
    expect((await since('alice', position, 100)).changes).toHaveLength(3)
  }
  expect((await since('alice', kept, 100)).changes).toEqual([])
  expect((await since('alice', { ...lost, history: null }, 100)).changes).toHaveLength(1)
  store.close()
})

test('writes are durable and tables strict', () => {
  const { db, close } = openDatabase(newPath())
  const pragma = (name: string) => Object.values(db.query(`pragma ${name}`).get() as object)[0]
  expect(pragma('journal_mode')).toBe('wal')
  expect(pragma('synchronous')).toBe(2)
  expect(pragma('foreign_keys')).toBe(1)
  const tables = db.query<{ name: string; strict: number }, []>('pragma table_list').all()
  const own = tables.filter(({ name }) => ['users', 'tasks'].includes(name))
  expect(own.map(({ strict }) => strict)).toEqual([1, 1])
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
  const whole = { limit: null, after: null }
  const list = await tasks.list('alice', taskQuery(), whole)
  expect([list.tasks.length, list.revision]).toEqual([stored, stored])
  expect(await put(tasks, 'alice', 'fits again')).toMatchObject({ revision: stored + 1 })
  close()
})

test('every list is read along an index, without sorting', () => {
  const { db, close } = openDatabase(newPath())
  for (const sort of SORTS) {
    for (const order of ORDERS) {
      for (const status of STATUSES) {
        for (const filter of [{}, { priority: 'low', q: 'x', due_after: '2026-01-01' }] as const) {
          for (const after of [null, { key: 'k', id: 'x' }]) {
            const query = taskQuery({ sort, order, status, ...filter })
            const [text, parameters] = listStatement('alice', query, { limit: 50, after })
            const plan = db
              .query<{ detail: string }, SQLQueryBindings[]>(`explain query plan ${text}`)
              .all(...parameters)
            const details = plan.map(({ detail }) => detail).join('\n')
            expect(details).toMatch(
              /^SEARCH tasks USING (PRIMARY KEY|INDEX tasks_(pending|title|due_(asc|desc)))/,
            )
            expect(details).not.toContain('TEMP B-TREE')
            if (sort !== 'created')
              expect(details).toContain(sort === 'title' ? 'tasks_title' : `tasks_due_${order}`)
          }
        }
      }
    }
  }
  close()
})
