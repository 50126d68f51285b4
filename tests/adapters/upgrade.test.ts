import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { postgresStorage } from '../../src/adapters/postgres/storage.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import type { TaskStore } from '../../src/application/ports.ts'
import type { Task } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freshDatabase } from '../support/postgres.ts'
import { NOON, put, uuid } from '../support/tasks.ts'

setDefaultTimeout(60_000)

const scripts = (storage: string): string[] => {
  const folder = join(import.meta.dir, `../../src/adapters/${storage}/migrations`)
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}

/** As they were written before tasks were kept as they are served, the fourth version. */
const OLD = 4
const tasks: Task[] = Array.from({ length: 300 }, (_, n) => ({
  id: uuid(1_000_000 + n),
  user_id: 'alice "a"',
  title: `task ${n} "quoted" \\ 👍`,
  description: n % 2 === 0 ? null : 'a\nb\tc',
  completed: n % 3 === 0,
  priority: n % 5 === 0 ? null : 'high',
  due_date: n % 7 === 0 ? null : '2026-02-10',
  remind_at: n % 11 === 0 ? NOON : null,
  reminded_at: n % 22 === 0 ? NOON : null,
  created_at: NOON,
  updated_at: NOON,
  revision: n + 1,
}))

const COLUMNS = [...Object.keys(tasks[0] as Task), 'reminded_revision', 'title_key', 'search_text']
const rows = tasks.map((task) => [
  ...Object.values(task),
  task.reminded_at ? task.revision : 0,
  task.title,
  task.title,
])

const check = async (store: TaskStore): Promise<void> => {
  const list = await store.list('alice "a"', taskQuery({ order: 'asc' }), {
    limit: null,
    after: null,
  })
  expect(list.tasks).toEqual(tasks)
  expect(list.revision).toBe(300)
  const feed = await store.changes('alice "a"', 0, 0, 1000)
  expect(feed.changes).toHaveLength(300)
  expect(Object.keys(feed.reminded)).toHaveLength(tasks.filter((task) => task.reminded_at).length)
  expect(await put(store, 'alice "a"', 'new')).toMatchObject({ revision: 301 })
  expect(await store.remind(NOON, 1000)).toHaveLength(1)
}

describe('a database of the fourth version is brought up to date, and has lost nothing', () => {
  test('sqlite', async () => {
    const path = join(temporaryFolder(), 'taskport.db')
    const db = new Database(path)
    for (const script of scripts('sqlite').slice(0, OLD)) db.run(script)
    db.run(`pragma application_id = ${0x5461736b}`)
    db.run(`pragma user_version = ${OLD}`)
    db.run(`insert into users (id, revision, task_count) values ('alice "a"', 300, 300)`)
    const insert = db.query(
      `insert into tasks (${COLUMNS.join()}) values (${COLUMNS.map(() => '?').join()})`,
    )
    for (const row of rows) insert.run(...(row as string[]))
    db.close()
    const { tasks: store, close } = sqliteStorage(path)
    await check(store)
    close()
  })

  test('postgres', async () => {
    const url = await freshDatabase()
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    await sql.unsafe('create schema taskport')
    await sql.unsafe(
      'create table taskport.migrations (version integer primary key, applied_at timestamptz not null default now())',
    )
    for (const [n, script] of scripts('postgres').slice(0, OLD).entries()) {
      await sql.unsafe(script)
      await sql`insert into taskport.migrations (version) values (${n + 1})`
    }
    await sql`insert into taskport.users (id, revision, task_count) values ('alice "a"', 300, 300)`
    for (const row of rows) {
      const places = COLUMNS.map((_, n) => `$${n + 1}`)
      await sql.unsafe(
        `insert into taskport.tasks (${COLUMNS.join()}) values (${places.join()})`,
        row as string[],
      )
    }
    await sql.end()
    const {
      tasks: store,
      migrated,
      close,
    } = postgresStorage(url, {
      onOutage: (error) => {
        throw error
      },
    })
    await migrated
    await check(store)
    await close()
  })
})
