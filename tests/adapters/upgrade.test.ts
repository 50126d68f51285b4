import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { postgresStorage } from '../../src/adapters/postgres/storage.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { readChanges } from '../../src/application/changes/read-changes.ts'
import { documentSize } from '../../src/application/documents.ts'
import type { TaskStore, TokenStore, WebhookStore } from '../../src/application/ports.ts'
import { newTask, type Task, taskKeys, withAllFields } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freshDatabase } from '../support/postgres.ts'
import { commitOf, NOON, put, uuid, WHOLE } from '../support/tasks.ts'
import { tokenOf } from '../support/tokens.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(120_000)

/** The schemas of released versions: tasks, changes, reminders, webhooks, the served form. */
const RELEASED = [1, 2, 3, 4, 5]
const SCRIPTS = RELEASED.length

const scripts = (storage: string): string[] => {
  const folder = join(import.meta.dir, `../../src/adapters/${storage}/migrations`)
  return readdirSync(folder)
    .sort()
    .slice(0, SCRIPTS)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}

const OWNER = 'alice "a"'
const COUNT = 300

/** One of each kind of value, with the fields that there were then. */
const formerTasksOf = (version: number) =>
  Array.from({ length: COUNT }, (_, n) => ({
    id: uuid(1_000_000 + n),
    user_id: OWNER,
    title: `task ${n} "quoted" \\ 👍`,
    description: n % 2 === 0 ? null : 'a\nb\tc\u0001',
    completed: n % 3 === 0,
    priority: n % 5 === 0 ? null : ('high' as const),
    due_date: n % 7 === 0 ? null : '2026-02-10',
    remind_at: version >= 3 && n % 11 === 0 ? NOON : null,
    reminded_at: version >= 3 && n % 22 === 0 ? NOON : null,
    created_at: NOON,
    updated_at: NOON,
    revision: n + 1,
  }))

type FormerTask = ReturnType<typeof formerTasksOf>[number]

/** The tasks as they have to be afterwards. */
const tasksOf = (version: number): Task[] =>
  formerTasksOf(version).map((task) => withAllFields(task as Task))

const REMINDERS = ['remind_at', 'reminded_at'] as const

/** The row of a task in that version: the reminder of the task before the last change is older. */
const rowOf = (task: FormerTask, version: number): Record<string, unknown> => {
  const { search_text, title_key } = taskKeys(task as Task)
  const due_key = task.due_date === null ? null : `${task.due_date}T24`
  const row: Record<string, unknown> = { ...task, title_key, due_key, search_text }
  if (version >= 3) row['reminded_revision'] = task.reminded_at ? task.revision : 0
  else for (const name of REMINDERS) delete row[name]
  return row
}

const versionAt = (revision: number) => ({ revision, timeline: '' })

const DELETED = uuid(2_000_000)
const WEBHOOK = uuid(3_000_000)
const position = { revision: COUNT, history: 'oldtimeline', snapshot: null }
const webhook = {
  user_id: OWNER,
  id: WEBHOOK,
  url: 'https://hooks.example.com/a',
  events: '["task.changed"]',
  secrets: '[{"value":"whsec_a","until":null}]',
  created_at: NOON,
  position: JSON.stringify(position),
  failures: 2,
  last_attempt_at: NOON,
  last_error: 'timeout',
  failing_since: NOON,
  disabled: null,
  due_at: NOON,
  version: 7,
}
const receipt = (task: FormerTask) => ({
  user_id: OWNER,
  key: 'key',
  request: 'digest',
  changes: JSON.stringify([
    { nth: 1, change: { op: 'upsert', revision: 0, task: { ...task, revision: 0 } } },
    { nth: 2, change: { op: 'delete', revision: 0, id: DELETED } },
    { nth: 0, change: { op: 'upsert', revision: 9, task } },
  ]),
  base: 100,
  stored_at: NOON,
})

/** The rows of that version, table by table. */
const dataOf = (version: number): [table: string, rows: Record<string, unknown>[]][] => {
  const tasks = formerTasksOf(version)
  return [
    ['users', [{ id: OWNER, revision: COUNT + 1, task_count: COUNT }]],
    ['tasks', tasks.map((task) => rowOf(task, version))],
    ...(version >= 2
      ? ([
          ['deletions', [{ user_id: OWNER, revision: COUNT + 1, id: DELETED, deleted_at: NOON }]],
          ['receipts', [receipt(tasks[0] as FormerTask)]],
        ] as [string, Record<string, unknown>[]][])
      : []),
    ...(version >= 4 ? ([['webhooks', [webhook]]] as [string, Record<string, unknown>[]][]) : []),
  ]
}

const check = async (
  {
    tasks: store,
    webhooks,
    tokens,
  }: { tasks: TaskStore; webhooks: WebhookStore; tokens: TokenStore },
  version: number,
): Promise<void> => {
  const tasks = tasksOf(version)
  const list = await store.list(OWNER, taskQuery({ order: 'asc' }), WHOLE)
  expect(list.tasks.value()).toEqual(tasks)
  expect(JSON.parse(list.tasks.text())).toEqual(tasks)
  expect(list.version.revision).toBe(COUNT + 1)
  const undated = tasks.filter((task) => task.due_date === null)
  for (const order of ['asc', 'desc'] as const) {
    const sorted = await store.list(OWNER, taskQuery({ sort: 'due_date', order }), WHOLE)
    const ids = sorted.tasks.value().map(({ id }) => id)
    expect(ids.slice(-undated.length).sort()).toEqual(undated.map(({ id }) => id).sort())
  }

  const feed = await store.changes(OWNER, 0, 0, 1000)
  expect(feed.changes.value()).toHaveLength(version >= 2 ? COUNT + 1 : COUNT)
  const reminded = tasks.filter((task) => task.reminded_at !== null)
  expect(await store.remindersAfter(OWNER, 0)).toEqual(
    Object.fromEntries(reminded.map(({ id, revision }) => [id, revision])),
  )
  const armed = tasks.filter((task) => task.remind_at && !task.reminded_at && !task.completed)
  expect(await store.reminders(1000)).toHaveLength(armed.length)

  if (version >= 2) {
    const known = { revision: 50, timeline: 'oldtimeline', snapshot: null }
    expect((await readChanges(store, OWNER, known, 1000)).changes.value()).toHaveLength(251)
    const foreign = { ...known, timeline: 'foreign' }
    await expect(readChanges(store, OWNER, foreign, 10)).rejects.toMatchObject({ kind: 'gone' })
    expect((await store.get(OWNER, uuid(1_000_050)))?.version).toEqual({
      revision: 51,
      timeline: 'oldtimeline',
    })
    expect(await store.idempotencyRecord(OWNER, 'key')).toEqual({
      key: 'key',
      request: 'digest',
      at: NOON,
      changes: [
        { op: 'upsert', id: uuid(1_000_000), revisionOffset: 1, version: versionAt(101) },
        { op: 'delete', id: DELETED, revisionOffset: 2, version: versionAt(102) },
        { op: 'upsert', id: uuid(1_000_000), revisionOffset: 0, version: versionAt(9) },
      ],
    })
  }
  if (version >= 4) {
    const { history, ...rest } = position
    expect(await webhooks.get(OWNER, WEBHOOK)).toEqual({
      ...webhook,
      events: ['task.changed'],
      secrets: [{ value: 'whsec_a', until: null }],
      position: { ...rest, timeline: history },
      last_error: 'timeout',
      pinged_at: null,
    })
  }
  expect(await put(store, OWNER, 'new')).toMatchObject({ revision: COUNT + 2 })
  if (version >= 4) expect((await webhooks.get(OWNER, WEBHOOK))?.version).toBe(8)

  const token = tokenOf(OWNER)
  expect(await tokens.create(token, 1)).toBe('created')
  expect(await tokens.find(token.hash)).toEqual(token)

  const bytes = tasks.reduce((sum, task) => sum + documentSize(task), 0)
  const grow = (bytesQuota: number) => {
    const task = newTask(uuid(4_000_000), OWNER, { title: 'more' }, NOON)
    const write = { op: 'create', task, revisionOffset: 1 } as const
    return store.commit(commitOf(OWNER, [write], { bytesDelta: 1, bytesQuota }))
  }
  await expect(grow(bytes / 2)).rejects.toMatchObject({ kind: 'quota-exceeded' })
  expect(await grow(bytes + 1)).toMatchObject({ status: 'committed' })
}

const sqliteAt = (version: number): { path: string; db: Database } => {
  const path = join(temporaryFolder(), 'taskport.db')
  const db = new Database(path)
  db.run('pragma journal_mode = wal')
  for (const script of scripts('sqlite').slice(0, version)) db.run(script)
  db.run(`pragma application_id = ${0x5461736b}`)
  db.run(`pragma user_version = ${version}`)
  return { path, db }
}

const postgresAt = async (version: number): Promise<{ url: string; sql: postgres.Sql }> => {
  const url = await freshDatabase()
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql.unsafe('create schema taskport')
  await sql.unsafe(
    'create table taskport.migrations (version integer primary key, applied_at timestamptz not null default now())',
  )
  for (const [n, script] of scripts('postgres').slice(0, version).entries()) {
    await sql.unsafe(script)
    await sql`insert into taskport.migrations (version) values (${n + 1})`
  }
  return { url, sql }
}

const openPostgres = async (url: string) => {
  const { promise, reject } = Promise.withResolvers<never>()
  const storage = postgresStorage(url, { onOutage: reject, onRefusal: reject })
  await Promise.race([storage.migrated, promise])
  return storage
}

describe.each(RELEASED)(
  'a database of schema %d is brought up to date and loses nothing',
  (version) => {
    test('sqlite', async () => {
      const { path, db } = sqliteAt(version)
      for (const [table, rows] of dataOf(version)) {
        for (const row of rows) {
          const names = Object.keys(row)
          db.query(
            `insert into ${table} (${names.join()}) values (${names.map(() => '?').join()})`,
          ).run(...(Object.values(row) as string[]))
        }
      }
      if (version >= 2) {
        const marks = JSON.stringify([{ revision: 1, history: 'oldtimeline' }])
        db.run('update users set marks = ?', [marks])
      }
      db.close()
      const storage = sqliteStorage(path)
      await check(storage, version)
      storage.close()
    })

    test('postgres', async () => {
      const { url, sql } = await postgresAt(version)
      for (const [table, rows] of dataOf(version)) {
        for (const row of rows) {
          const names = Object.keys(row)
          await sql.unsafe(
            `insert into taskport.${table} (${names.join()}) values (${names.map((_, n) => `$${n + 1}`).join()})`,
            Object.values(row) as string[],
          )
        }
      }
      if (version >= 2) await sql`update taskport.users set marks = array['1 oldtimeline']`
      await sql.end()
      const storage = await openPostgres(url)
      await check(storage, version)
      await storage.close()
    })
  },
)

describe('an upgrade that was killed goes on where it was', () => {
  const MANY = 60_000
  const COLUMNS = `user_id, id, title, completed, created_at, updated_at, revision, title_key, search_text`

  /** Kills a process that opens the storage, as soon as it has copied some tasks; returns how many. */
  const interrupt = async (open: string, copied: () => Promise<number>): Promise<number> => {
    const child = Bun.spawn([process.execPath, '-e', open], { stderr: 'inherit' })
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const count = await copied().catch(() => 0)
      if (count > 0 || child.exitCode !== null) break
    }
    child.kill('SIGKILL')
    await within(child.exited, 'The process did not end.')
    return copied()
  }

  const expectAll = async (store: TaskStore): Promise<void> => {
    let found = 0
    for (let user = 0; user < 60; user++) {
      const owner = `user-${user}`
      const { tasks } = await store.list(owner, taskQuery({ order: 'asc' }), WHOLE)
      found += tasks.value().length
      let changes = 0
      for (let after = 0, more = true; more; ) {
        const feed = await store.changes(owner, after, after, 10_000)
        changes += feed.changes.value().length
        after = feed.last ?? 0
        more = feed.more
      }
      expect(changes).toBe(MANY / 60)
    }
    expect(found).toBe(MANY)
  }

  test('sqlite', async () => {
    const { path, db } = sqliteAt(SCRIPTS)
    db.run(`
      with recursive n (n) as (select 0 union all select n + 1 from n where n < ${MANY - 1})
      insert into tasks (${COLUMNS})
      select 'user-' || (n % 60), printf('%08x-0000-7000-8000-000000000000', n), 'Task ' || n, 0,
        '${NOON}', '${NOON}', n / 60 + 1, 'task', 'task' from n`)
    db.run(`insert into users (id, revision, task_count)
      select user_id, count(*), count(*) from tasks group by user_id`)
    db.close()
    const module = join(import.meta.dir, '../../src/adapters/sqlite/storage.ts')
    const open = `(await import('${module}')).sqliteStorage('${path}'); setInterval(() => {}, 1000)`
    let count = 0
    // The log grows with what is copied; a look into the file would lock it.
    for (let megabytes = 2; count === 0 && megabytes <= 64; megabytes *= 2) {
      const child = Bun.spawn([process.execPath, '-e', open], { stderr: 'inherit' })
      const grown = () =>
        (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > megabytes * 1e6
      await eventually(() => grown() || child.exitCode !== null, 'Nothing was copied.', 60_000)
      child.kill('SIGKILL')
      await within(child.exited, 'The process did not end.')
      const reader = new Database(path)
      count = reader.query<{ n: number }, []>('select count(*) as n from tasks').get()?.n ?? 0
      const former = reader.query('select 1 from sqlite_master where name = ?').get('former_tasks')
      reader.close()
      expect(former).not.toBeNull()
    }
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(MANY)
    const storage = sqliteStorage(path)
    await expectAll(storage.tasks)
    storage.close()
  })

  test('postgres', async () => {
    const { url, sql } = await postgresAt(SCRIPTS)
    await sql.unsafe(`
      insert into taskport.tasks (${COLUMNS})
      select 'user-' || (n % 60), gen_random_uuid(), 'Task ' || n, false, '${NOON}', '${NOON}',
        n / 60 + 1, 'task', 'task' from generate_series(0, ${MANY - 1}) as n`)
    await sql.unsafe(`insert into taskport.users (id, revision, task_count)
      select user_id, count(*), count(*) from taskport.tasks group by user_id`)
    const module = join(import.meta.dir, '../../src/adapters/postgres/storage.ts')
    const copied = async (): Promise<number> => {
      const [row] = await sql<{ former: string | null }[]>`
        select to_regclass('taskport.former_tasks')::text as former`
      if (!row?.former) return 0
      const [tasks] = await sql<{ n: string }[]>`select count(*) as n from taskport.tasks`
      return Number(tasks?.n)
    }
    const open = `(await import('${module}')).postgresStorage('${url}'); setInterval(() => {}, 1000)`
    const count = await interrupt(open, copied)
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(MANY)
    await sql.end()
    const storage = await openPostgres(url)
    await expectAll(storage.tasks)
    await storage.close()
  })
})
