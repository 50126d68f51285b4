import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, runCommand } from '../support/command.ts'
import { buildExecutable } from '../support/executable.ts'
import { temporaryFolder } from '../support/folder.ts'
import { json } from '../support/http.ts'
import { freshDatabase } from '../support/postgres.ts'
import {
  enter,
  killServers,
  type RunningProcess,
  startProgram,
  startServer,
} from '../support/server.ts'

setDefaultTimeout(180_000)

afterAll(killServers)

let executable: string

/** Alone in its folder: nothing of the checkout is beside it. */
beforeAll(async () => {
  executable = join(temporaryFolder(), 'taskport')
  cpSync(await buildExecutable(), executable)
})

const start = (folder: string, env: Record<string, string> = {}): Promise<RunningProcess> =>
  startProgram([executable, 'serve'], folder, env)

const run = (folder: string, args: string[], env: Record<string, string> = {}): Promise<Ended> =>
  runCommand(folder, args, { env, command: [executable] })

const end = async (server: RunningProcess): Promise<void> => {
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

const fill = async (url: string, token: string): Promise<Record<string, string>> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const operations = Array(100).fill({ op: 'create', body: { title: 'Buy milk' } })
  for (let times = 0; times < 6; times++) {
    const body = JSON.stringify({ operations })
    const response = await fetch(`${url}/api/tasks/batch`, { method: 'POST', headers, body })
    expect(response.status).toBe(200)
  }
  return headers
}

test('in an empty folder it signs up, stores tasks, reads long lists and shows the documentation', async () => {
  const folder = temporaryFolder()
  const server = await start(folder)
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const headers = await fill(server.url, token)
  expect(await json(fetch(`${server.url}/api/tasks`, { headers }))).toHaveLength(600)
  expect(await json(fetch(`${server.url}/api/tasks?q=MILK`, { headers }))).toHaveLength(600)

  const common = await fetch(`${server.url}/api/auth/sign-up/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Bob', email: 'bob@example.com', password: 'password123' }),
  })
  expect((await json(common)).detail).toContain('most common')

  const page = await (await fetch(`${server.url}/docs`)).text()
  const assets = [...page.matchAll(/(?:src|href)="(\/docs\/assets\/[^"]+)"/g)].map(
    ([, path]) => path ?? '',
  )
  expect(assets.length).toBeGreaterThanOrEqual(3)
  for (const path of [...assets, '/docs/json']) {
    const response = await fetch(`${server.url}${path}`)
    expect([path, response.status]).toEqual([path, 200])
    expect((await response.bytes()).byteLength).toBeGreaterThan(100)
  }
  for (const path of ['/client.js', '/client.d.ts']) {
    expect(await (await fetch(`${server.url}${path}`)).text()).toContain('taskport')
  }
  expect(readdirSync(folder)).toEqual(['data'])
  await end(server)
})

test('it has all commands, and backs itself up', async () => {
  const folder = temporaryFolder()
  const env = { BACKUP_EVERY: '1d', BACKUP_DIR: 'scheduled' }
  const server = await start(folder)
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  await fill(server.url, token)
  const made = await run(folder, ['backup', 'b'])
  expect(made).toMatchObject({ code: 0, error: '' })
  expect(made.output).toContain('600 tasks of 1 users')
  const path = made.output.split(': ')[0] ?? ''
  expect(await run(folder, ['verify', path])).toMatchObject({ code: 0 })
  expect((await run(folder, ['user', 'list'])).output).toContain('ada@example.com')
  const port = new URL(server.url).port
  expect(await run(folder, ['health'], { PORT: port })).toMatchObject({ code: 0 })
  await end(server)
  expect(await run(folder, ['health'], { PORT: port })).toMatchObject({
    code: 1,
    error: expect.stringContaining('No server responds'),
  })
  expect((await run(folder, ['migrate'])).output).toBe('The database is up to date.\n')
  const scheduled = await start(folder, env)
  await scheduled.logged('backup made')
  await end(scheduled)
})

test('it opens what the source has written, and the other way round', async () => {
  const folder = temporaryFolder()
  const first = await startServer(folder)
  const { token } = await enter(first.url, 'sign-up', 'ada@example.com')
  const headers = await fill(first.url, token)
  await end(first)
  for (const open of [start, startServer]) {
    const server = await open(folder)
    expect(await json(fetch(`${server.url}/api/tasks`, { headers }))).toHaveLength(600)
    await end(server)
  }
})

test('with PostgreSQL it starts workers of its own', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'empty'))
  const env = {
    DATABASE_URL: await freshDatabase(),
    AUTH_SECRET: 'a secret of the identity provider, 32 bytes',
    WORKERS: '2',
  }
  const server = await start(join(folder, 'empty'), env)
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const headers = await fill(server.url, token)
  expect(await json(fetch(`${server.url}/api/tasks`, { headers }))).toHaveLength(600)
  await end(server)
})
