import { Database } from 'bun:sqlite'
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { temporaryFolder } from '../support/folder.ts'
import { enter, killServers, PASSWORD, startServer } from '../support/server.ts'
import { NOON, put, remove, replace } from '../support/tasks.ts'
import { eventually } from '../support/wait.ts'

setDefaultTimeout(60_000)

afterAll(killServers)

const namesOf = (text: string, folder: string): string[] =>
  readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(text))

/** Reads the files in another process, since closing one would drop the locks of this one. */
const holding = async (text: string, folder: string): Promise<string[]> => {
  const child = Bun.spawn(['grep', '-lare', text, folder], { stdout: 'pipe' })
  const names = await new Response(child.stdout).text()
  return names.split('\n').filter((name) => name !== '')
}

test('what was deleted, replaced or belonged to a deleted account is erased from the files', async () => {
  const folder = temporaryFolder()
  const { tasks, eraseDeleted, close } = sqliteStorage(join(folder, 'taskport.db'))
  const marked = (n: number) => ({ title: `erased ${n}`, description: 'erased '.repeat(100) })
  for (let n = 0; n < 60; n++) {
    const task = await put(tasks, 'alice', marked(n))
    if (n % 3 === 0) await remove(tasks, task)
    else await replace(tasks, { ...task, title: `kept ${n}`, description: null })
    await put(tasks, 'bob', marked(n))
  }
  await tasks.deleteAccount('bob', NOON)
  expect(await holding('erased ', folder)).not.toEqual([])
  await eraseDeleted()
  expect(await holding('erased ', folder)).toEqual([])
  expect(await holding('kept ', folder)).not.toEqual([])
  close()
})

test('a reader delays the erasure, and one that stays makes it fail', async () => {
  const path = join(temporaryFolder(), 'taskport.db')
  const { tasks, eraseDeleted, close } = sqliteStorage(path)
  await put(tasks, 'alice', 'a')
  const reader = new Database(path, { readonly: true })
  const read = () => {
    reader.run('begin')
    reader.query('select count(*) from tasks').get()
  }
  read()
  await put(tasks, 'alice', 'b')
  const erased = eraseDeleted()
  await Bun.sleep(0)
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)
  reader.run('commit')
  await erased
  expect(statSync(`${path}-wal`).size).toBe(0)
  await put(tasks, 'alice', 'c')
  read()
  await put(tasks, 'alice', 'd')
  await expect(eraseDeleted()).rejects.toThrow(/Readers keep/)
  reader.close()
  close()
})

test('a server erases a deleted task and a deleted account at its start at the latest', async () => {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const first = await startServer(folder)
  const { token, cookie } = await enter(first.url, 'sign-up', 'erased-person@example.com')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const call = (method: string, path: string, body?: object) =>
    fetch(`${first.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
  const created = await call('POST', '/api/tasks', { title: 'erased-title' })
  await call('POST', '/api/tasks', { title: 'erased-title' })
  const { id } = (await created.json()) as { id: string }
  expect((await call('DELETE', `/api/tasks/${id}`)).status).toBe(204)
  const deleted = await fetch(`${first.url}/api/auth/delete-user`, {
    method: 'POST',
    headers: { cookie, origin: first.url, 'content-type': 'application/json' },
    body: JSON.stringify({ password: PASSWORD }),
  })
  expect(deleted.status).toBe(200)
  const modes = readdirSync(data).map((name) => statSync(join(data, name)).mode & 0o777)
  expect(modes.filter((mode) => mode !== 0o600)).toEqual([])
  first.signal('SIGKILL')
  await first.exited
  expect(namesOf('erased-', data)).toContain('taskport.db-wal')

  const second = await startServer(folder)
  await eventually(
    () => namesOf('erased-', data).length === 0,
    () => `Not in ${namesOf('erased-', data)}.`,
  )
  second.signal('SIGTERM')
  expect(await second.exited).toBe(0)
})
