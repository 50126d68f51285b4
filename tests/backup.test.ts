import { Database } from 'bun:sqlite'
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../src/runtime/backup/folder.ts'
import { runCommand, startCommand } from './support/command.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { administer, freshDatabase } from './support/postgres.ts'
import {
  type Account,
  enter,
  killServers,
  type RunningProcess,
  SHARED,
  startServer,
  tokenFor,
} from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(240_000)

afterAll(killServers)

const SECRET = { AUTH_SECRET: 'a secret of the identity provider, 32 bytes' }

const client = (url: string, { token }: Pick<Account, 'token'>) => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const call = (method: string, path: string, body?: object) =>
    fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  const createMany = async (count: number, description = ''): Promise<void> => {
    const create = { op: 'create', body: { title: 'a', description } }
    for (let left = count; left > 0; left -= 100) {
      const operations = Array(Math.min(left, 100)).fill(create)
      expect((await call('POST', '/api/tasks/batch', { operations })).status).toBe(200)
    }
  }
  const cursor = async (): Promise<string> => {
    let page = await json(call('GET', '/api/changes'))
    while (page.has_more) page = await json(call('GET', `/api/changes?since=${page.cursor}`))
    return page.cursor
  }
  return { call, createMany, cursor }
}

const end = async (server: RunningProcess): Promise<void> => {
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

const backUp = async (folder: string, env: Record<string, string> = {}): Promise<string> => {
  const { code, output, error } = await runCommand(folder, ['backup', 'backups'], { env })
  expect([code, error]).toEqual([0, ''])
  const path = join(folder, output.split(': ')[0] ?? '')
  expect(existsSync(path)).toBe(true)
  return path
}

const manifestOf = (backup: string): Promise<Manifest> =>
  Bun.file(join(backup, 'manifest.json')).json()

const finishedIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()

test('a backup is made and verified while users write, and has accounts and secret', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder, { BUDGET_FACTOR: '0' })
  const ada = await enter(server.url, 'sign-up', 'ada@example.com')
  const bob = client(server.url, await enter(server.url, 'sign-up', 'bob@example.com'))
  await client(server.url, ada).createMany(700)
  await bob.createMany(10)
  let writing = true
  let writes = 0
  const write = async (): Promise<void> => {
    while (writing) {
      const created = await bob.call('POST', '/api/tasks', { title: 'b' })
      expect(created.status).toBe(201)
      const { id } = (await created.json()) as { id: string }
      await bob.call('PATCH', `/api/tasks/${id}/complete`)
      if (writes++ % 2 === 0) await bob.call('DELETE', `/api/tasks/${id}`)
    }
  }
  const writers = Array.from({ length: 4 }, write)
  const backups = [await backUp(folder), await backUp(folder)]
  writing = false
  await Promise.all(writers)
  expect(writes).toBeGreaterThan(50)

  for (const backup of backups) {
    const { users, tasks, secret, files } = await manifestOf(backup)
    expect([users, secret]).toEqual([2, 'secret'])
    expect(tasks).toBeGreaterThan(710)
    const names = ['auth.db', 'secret', 'taskport.db', 'users.ndjson']
    expect(Object.keys(files)).toEqual(names)
    expect(readdirSync(backup).sort()).toEqual([...names, 'manifest.json'].sort())
    for (const name of readdirSync(backup)) {
      expect([name, statSync(join(backup, name)).mode & 0o777]).toEqual([name, 0o600])
    }
    expect(statSync(backup).mode & 0o777).toBe(0o700)
    const verified = await runCommand(folder, ['verify', backup])
    expect(verified).toMatchObject({ code: 0, error: '' })
    expect(verified.output).toContain(`${tasks} tasks of 2 users`)
    expect(await manifestOf(backup)).toMatchObject({ files })
  }
  await end(server)
})

test('a restored backup has everything, and nothing that came after it passes for its own', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder)
  const account = await enter(server.url, 'sign-up', 'ada@example.com')
  const before = client(server.url, account)
  await before.createMany(3)
  const kept = await before.cursor()
  const backup = await backUp(folder)
  await before.createMany(2)
  const lost = await before.cursor()
  await end(server)

  const elsewhere = temporaryFolder()
  cpSync(backup, join(elsewhere, 'data'), { recursive: true })
  const restored = await startServer(elsewhere)
  const after = client(restored.url, account)
  expect(await json(after.call('GET', '/api/tasks'))).toHaveLength(3)
  expect((await after.call('GET', `/api/changes?since=${kept}`)).status).toBe(200)
  expect((await after.call('GET', `/api/changes?since=${lost}`)).status).toBe(410)
  await after.createMany(5)
  expect((await after.call('GET', `/api/changes?since=${lost}`)).status).toBe(410)
  expect((await json(after.call('GET', `/api/changes?since=${kept}`))).changes).toHaveLength(5)
  await enter(restored.url, 'sign-in', 'ada@example.com')
  await end(restored)
})

test('verify finds what was damaged, exchanged or left out', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder)
  const account = await enter(server.url, 'sign-up', 'ada@example.com')
  await client(server.url, account).createMany(3)
  const backup = await backUp(folder)
  await end(server)
  const copy = (): string => {
    const path = join(temporaryFolder(), 'copy')
    cpSync(backup, path, { recursive: true })
    return path
  }
  const problemWith = async (path: string): Promise<string> => {
    const { code, error } = await runCommand(folder, ['verify', path])
    expect(code).toBe(1)
    return error
  }
  const admit = async (path: string, name: string): Promise<void> => {
    const { files, ...manifest } = await manifestOf(path)
    const bytes = await Bun.file(join(path, name)).bytes()
    const sha256 = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
    const changed = { ...files, [name]: { bytes: bytes.byteLength, sha256 } }
    await Bun.write(join(path, 'manifest.json'), JSON.stringify({ ...manifest, files: changed }))
  }

  const garbled = copy()
  await Bun.write(join(garbled, 'manifest.json'), '{"format":1,')
  expect(await problemWith(garbled)).toMatch(/manifest.json is not as it was/)

  for (const name of ['taskport.db', 'auth.db', 'secret', 'users.ndjson']) {
    const path = copy()
    const bytes = await Bun.file(join(path, name)).bytes()
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    await Bun.write(join(path, name), bytes)
    expect(await problemWith(path)).toMatch(new RegExp(`${name} is not as it was`))
  }

  const torn = copy()
  const pages = await Bun.file(join(torn, 'taskport.db')).bytes()
  pages.fill(7, 4096, 40_960)
  await Bun.write(join(torn, 'taskport.db'), pages)
  await admit(torn, 'taskport.db')
  expect(await problemWith(torn)).toMatch(/damaged|malformed/)

  const edited = copy()
  const db = new Database(join(edited, 'taskport.db'))
  db.run(`update tasks set document = replace(document, '"title":"a"', '"title":"b"')
    where revision = 2`)
  db.close()
  await admit(edited, 'taskport.db')
  expect(await problemWith(edited)).toMatch(
    new RegExp(`tasks of the user ${account.userId} in the copy are not the original ones`),
  )

  const wrong = copy()
  await Bun.write(join(wrong, 'secret'), 'x'.repeat(43))
  await admit(wrong, 'secret')
  expect(await problemWith(wrong)).toMatch(/is not the one that encrypts the signing keys/)

  const partial = copy()
  await Bun.file(join(partial, 'manifest.json')).delete()
  expect(await problemWith(partial)).toMatch(/not a complete backup/)
})

test('kill -9 in the middle leaves nothing that looks whole, and the next backup cleans up', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder)
  await client(server.url, await enter(server.url, 'sign-up', 'ada@example.com')).createMany(600)
  const backups = join(folder, 'backups')
  mkdirSync(backups)
  const partial = (): string[] => readdirSync(backups).filter((name) => name.startsWith('.partial'))
  const stages = ['taskport.db', 'auth.db', 'users.ndjson', 'taskport.db.lock']
  for (const stage of stages) {
    const child = startCommand(folder, ['backup', 'backups'])
    const reached = (): boolean => partial().some((name) => existsSync(join(backups, name, stage)))
    await eventually(reached, `The backup has no ${stage}.`, 60_000)
    child.kill('SIGKILL')
    await child.exited
    expect([stage, finishedIn(backups)]).toEqual([stage, []])
    expect(partial()).toHaveLength(1)
  }
  await backUp(folder)
  expect([partial(), finishedIn(backups).length]).toEqual([[], 1])
  await end(server)
})

test('on a full disk the backup says so and leaves nothing', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder, SHARED)
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  await client(server.url, { token }).createMany(500, 'x'.repeat(500))
  const wrapper = ['sh', '-c', 'trap "" XFSZ; ulimit -f 600; exec "$@"', 'sh']
  const { code, error } = await runCommand(folder, ['backup', 'b'], { env: SHARED, wrapper })
  expect([code, error]).toEqual([1, expect.stringContaining('There is no room for a backup in b.')])
  expect(readdirSync(join(folder, 'b'))).toEqual(['.lock'])
  await backUp(folder, SHARED)
  await end(server)
})

test('with tokens of another identity provider there are tasks only', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder, SHARED)
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  await client(server.url, { token }).createMany(1)
  await end(server)
  const backup = await backUp(folder, SHARED)
  const { secret, files } = await manifestOf(backup)
  expect([secret, Object.keys(files)]).toEqual([null, ['taskport.db', 'users.ndjson']])
  for (const env of [SHARED, {}]) {
    expect(await runCommand(folder, ['verify', backup], { env })).toMatchObject({ code: 0 })
  }
})

test('the server makes a backup when it is due, and keeps so many', async () => {
  const folder = temporaryFolder()
  const env = { BACKUP_EVERY: '1m', BACKUP_KEEP: '2', BACKUP_DIR: 'backups' }
  const first = await startServer(folder, env)
  await enter(first.url, 'sign-up', 'ada@example.com')
  const { path } = await first.logged('backup made')
  expect(finishedIn(join(folder, 'backups')).map((name) => join('backups', name))).toEqual([
    String(path),
  ])
  await end(first)

  const again = await runCommand(folder, ['backup', 'backups', '--keep', '2'])
  const last = await runCommand(folder, ['backup', 'backups', '--keep', '2'])
  const kept = [again, last].map(({ output }) => output.split(': ')[0] ?? '')
  expect(finishedIn(join(folder, 'backups')).map((name) => join('backups', name))).toEqual(kept)

  const second = await startServer(folder, env)
  const ready = await json(fetch(`${second.url}/health/ready`))
  expect(ready).toEqual({ status: 'ready' })
  await end(second)
  expect(second.lines.filter(({ msg }) => msg === 'backup made')).toEqual([])
})

test('PostgreSQL is dumped as of one moment, restored into a database of its own and verified', async () => {
  const folder = temporaryFolder()
  const url = await freshDatabase()
  const env = { DATABASE_URL: url, BUDGET_FACTOR: '0', ...SECRET }
  const server = await startServer(folder, env)
  const account = await enter(server.url, 'sign-up', 'ada@example.com')
  const before = client(server.url, account)
  await before.createMany(600)
  let writing = true
  const writer = (async () => {
    while (writing)
      expect((await before.call('POST', '/api/tasks', { title: 'b' })).status).toBe(201)
  })()
  const backup = await backUp(folder, env)
  writing = false
  await writer
  const lost = await before.cursor()
  const { users, tasks, secret, files } = await manifestOf(backup)
  expect([users, secret, Object.keys(files)]).toEqual([
    1,
    'AUTH_SECRET',
    ['taskport.dump', 'users.ndjson'],
  ])
  expect(await runCommand(folder, ['verify', backup], { env })).toMatchObject({
    code: 0,
    error: '',
  })
  const other = { ...env, AUTH_SECRET: 'another secret of the same length, 32 bytes' }
  expect(await runCommand(folder, ['verify', backup], { env: other })).toMatchObject({
    code: 1,
    error: expect.stringContaining('is not the one that encrypts the signing keys'),
  })
  expect(await runCommand(folder, ['verify', backup])).toMatchObject({
    code: 1,
    error: expect.stringMatching(/AUTH_SECRET|DATABASE_URL/),
  })
  await administer(url, async (sql) => {
    const left = await sql`
      select datname from pg_database as d
      where shobj_description(d.oid, 'pg_database') = 'of ' || current_database()`
    expect([...left]).toEqual([])
  })
  await end(server)

  const restored = await freshDatabase()
  const restore = [
    'pg_restore',
    '--no-owner',
    `--dbname=${restored}`,
    join(backup, 'taskport.dump'),
  ]
  const child = Bun.spawn(restore, { stderr: 'pipe' })
  expect(await new Response(child.stderr).text()).toBe('')
  const second = await startServer(folder, { ...env, DATABASE_URL: restored })
  const after = client(second.url, account)
  expect(await json(after.call('GET', '/api/tasks'))).toHaveLength(tasks)
  for (let times = 0; times < 2; times++) {
    expect((await after.call('GET', `/api/changes?since=${lost}`)).status).toBe(410)
    await after.createMany(Number.parseInt(lost, 10) - tasks + 1)
  }
  await end(second)
})
