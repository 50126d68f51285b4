import { Database } from 'bun:sqlite'
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/adapters/sqlite/database.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { temporaryFolder } from '../support/folder.ts'
import { put, WHOLE } from '../support/tasks.ts'
import { within } from '../support/wait.ts'

setDefaultTimeout(30_000)

const children = new Set<Bun.Subprocess>()

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

const DATABASE = join(import.meta.dir, '../../src/adapters/sqlite/database.ts')

/** Opens the database in another process; returns why that failed. */
const openElsewhere = async (path: string): Promise<string> => {
  const script = `
    const { openDatabase } = await import('${DATABASE}')
    try { openDatabase('${path}').close() } catch (error) { console.log(error.message) }`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
  const text = await new Response(child.stdout).text()
  expect(await within(child.exited, 'The process did not end.', 20_000)).toBe(0)
  return text
}

/** A process that has the database open until it is killed. */
const holdElsewhere = async (path: string) => {
  const script = `
    const { openDatabase } = await import('${DATABASE}')
    const opened = openDatabase('${path}')
    console.log('open')
    setInterval(() => opened.db.query('select 1').get(), 100)`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
  children.add(child)
  const { value } = await within(child.stdout.getReader().read(), 'It did not open.', 20_000)
  expect(new TextDecoder().decode(value)).toBe('open\n')
  return async () => {
    child.kill('SIGKILL')
    await child.exited
  }
}

test('a process on the same file is refused: by links to it or its folder, without the lock file', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'taskport.db')
  symlinkSync(path, join(folder, 'link.db'))
  symlinkSync(folder, join(folder, 'folder'))
  symlinkSync(join(folder, 'link.db'), join(temporaryFolder(), 'far.db'))
  const kill = await holdElsewhere(join(folder, 'link.db'))
  const names = [path, join(folder, 'link.db'), join(folder, 'folder/taskport.db')]
  for (const name of names) expect(await openElsewhere(name)).toContain('in use by another')
  for (let n = 0; n < 2; n++) {
    rmSync(`${path}.lock`, { force: true })
    expect(await openElsewhere(path)).toContain('in use by another')
    expect(existsSync(`${path}.lock`)).toBe(false)
  }
  await kill()
  expect(await openElsewhere(path)).toBe('')
  expect(await openElsewhere(path)).toBe('')
})

test('a file with several hard links is refused', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'taskport.db')
  openDatabase(path).close()
  linkSync(path, join(folder, 'other.db'))
  expect(await openElsewhere(path)).toContain('several names')
  expect(await openElsewhere(join(folder, 'other.db'))).toContain('several names')
  rmSync(join(folder, 'other.db'))
  expect(await openElsewhere(path)).toBe('')
})

test('only its owner may read the files, whatever the folder and the umask, also older ones', async () => {
  const modes = (folder: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(folder)
        .sort()
        .map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
    )
  const expected = { 'a.db': '600', 'a.db-shm': '600', 'a.db-wal': '600', 'a.db.lock': '600' }
  const folder = join(temporaryFolder(), 'data')
  mkdirSync(folder)
  chmodSync(folder, 0o777)
  const path = join(folder, 'a.db')
  const umask = process.umask(0)
  try {
    const first = sqliteStorage(path)
    await put(first.tasks, 'alice', 'a')
    expect(modes(folder)).toEqual(expected)
    first.close()
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o666)
    const second = sqliteStorage(path)
    expect(modes(folder)).toEqual(expected)
    second.close()
    const created = join(folder, 'new/deep')
    openDatabase(join(created, 'a.db')).close()
    expect(statSync(created).mode & 0o777).toBe(0o700)
  } finally {
    process.umask(umask)
  }
})

const unavailable = { kind: 'unavailable' }

test.each(['', '-wal'])(
  'no write is acknowledged once the database%s was deleted or replaced',
  async (suffix) => {
    const path = join(temporaryFolder(), 'taskport.db')
    const { tasks, close } = sqliteStorage(path)
    await put(tasks, 'alice', 'a')
    await tasks.ready()
    renameSync(`${path}${suffix}`, `${path}.away`)
    await expect(tasks.ready()).rejects.toMatchObject({
      ...unavailable,
      cause: { message: expect.stringContaining(`${path}${suffix} was deleted or replaced`) },
    })
    await expect(put(tasks, 'alice', 'b')).rejects.toMatchObject(unavailable)
    copyFileSync(`${path}.away`, `${path}${suffix}`)
    await expect(tasks.ready()).rejects.toMatchObject(unavailable)
    await expect(put(tasks, 'alice', 'c')).rejects.toMatchObject(unavailable)
    renameSync(`${path}.away`, `${path}${suffix}`)
    await tasks.ready()
    expect(await put(tasks, 'alice', 'd')).toMatchObject({ title: 'd' })
    close()
  },
)

/** Overwrites all pages but the first. */
const damage = (path: string): void => {
  const file = openSync(path, 'r+')
  const rest = statSync(path).size - 4096
  writeSync(file, Buffer.alloc(rest, 0xff), 0, rest, 4096)
}

test('damaged pages make what needs them, and readiness, unavailable', async () => {
  const path = join(temporaryFolder(), 'taskport.db')
  const first = sqliteStorage(path)
  for (let n = 0; n < 200; n++) await put(first.tasks, 'alice', `${n}`)
  first.close()
  const copy = join(temporaryFolder(), 'taskport.db')
  copyFileSync(path, copy)
  const db = new Database(copy)
  const root = db.query<{ rootpage: number }, []>(
    "select rootpage from sqlite_master where name = 'tasks'",
  )
  const page = root.get()?.rootpage ?? 0
  db.close()
  const file = openSync(copy, 'r+')
  writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, (page - 1) * 4096)
  const { tasks, close } = sqliteStorage(copy)
  await tasks.ready()
  const list = () => tasks.list('alice', taskQuery(), WHOLE)
  for (const use of [list, () => put(tasks, 'alice', 'x'), tasks.ready]) {
    await expect(use()).rejects.toMatchObject({
      kind: 'unavailable',
      cause: { code: 'SQLITE_CORRUPT' },
    })
  }
  expect(await tasks.versions(['alice'])).toHaveLength(1)
  close()
})

test.each([
  ['damaged', damage],
  ['cut off', (path: string) => truncateSync(path, 8192)],
  ['of no database', (path: string) => writeFileSync(path, 'text '.repeat(2000))],
])('a file that is %s is refused at the start, with advice', async (_, spoil) => {
  const path = join(temporaryFolder(), 'taskport.db')
  openDatabase(path).close()
  spoil(path)
  for (let n = 0; n < 2; n++) expect(() => openDatabase(path)).toThrow(/damaged: restore a backup/)
})

test('an applied migration that differs is refused; comments and missing digests are not', () => {
  const path = join(temporaryFolder(), 'taskport.db')
  openDatabase(path).close()
  const edit = (statement: string): void => {
    const db = new Database(path)
    db.run(statement)
    db.close()
  }
  const digests = (): unknown[] => {
    const { db, close } = openDatabase(path)
    const rows = db.query('select version, digest from migrations order by version').all()
    close()
    return rows
  }
  const recorded = digests()
  expect(recorded).toHaveLength(readdirSync(join(DATABASE, '../migrations')).length)
  for (const statement of ['delete from migrations where version > 3', 'drop table migrations']) {
    edit(statement)
    expect(digests()).toEqual(recorded)
  }
  edit("update migrations set digest = 'other' where version = 6")
  expect(() => openDatabase(path)).toThrow(/Migration 6 of .*unreleased.*backup/)
  expect(() => openDatabase(path)).toThrow(/Migration 6/)
})
