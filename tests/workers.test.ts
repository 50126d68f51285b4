import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import postgres from 'postgres'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import {
  killServers,
  type RunningProcess,
  SHARED,
  startServer,
  tokenFor,
} from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

afterAll(killServers)

const FAULT = join(import.meta.dir, 'support/fault.ts')

const start = async (env: Record<string, string> = {}): Promise<RunningProcess> =>
  startServer(temporaryFolder(), {
    ...SHARED,
    DATABASE_URL: await freshDatabase(),
    WORKERS: '3',
    ...env,
  })

const count = ({ lines }: RunningProcess, message: string): number =>
  lines.filter(({ msg }) => msg === message).length

const listening = (server: RunningProcess, workers: number): Promise<unknown> =>
  eventually(
    () => count(server, 'listening') === workers,
    () => `${workers} workers listen, not ${count(server, 'listening')}`,
    30_000,
  )

const pids = ({ lines }: RunningProcess): number[] =>
  lines.filter(({ msg }) => msg === 'worker started').map(({ pid }) => Number(pid))

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('three workers behind one port; one that dies is replaced; all stop together', async () => {
  const server = await start()
  await listening(server, 3)
  expect(new Set(server.lines.flatMap(({ url }) => url ?? [])).size).toBe(1)
  expect(server.stderr()).toBe('')

  const { token } = await tokenFor(temporaryFolder(), ['--sub', 'alice'])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const create = (title: string) =>
    fetch(`${server.url}/api/tasks`, {
      method: 'POST',
      headers: { ...headers, connection: 'close' },
      body: JSON.stringify({ title }),
    })
  for (let n = 0; n < 30; n++) expect((await create(`${n}`)).status).toBe(201)

  const [first = 0] = pids(server)
  process.kill(first, 'SIGKILL')
  await listening(server, 4)
  expect(server.lines).toContainEqual(
    expect.objectContaining({ msg: 'worker died', pid: first, signal: 'SIGKILL' }),
  )
  for (let n = 30; n < 40; n++) expect((await create(`${n}`)).status).toBe(201)
  expect(await json(fetch(`${server.url}/api/tasks`, { headers }))).toHaveLength(40)

  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
  expect(pids(server).filter(lives)).toEqual([])
})

test('replacements that cannot start leave the others alone, and are tried ever more rarely', async () => {
  const url = await freshDatabase()
  const server = await start({ DATABASE_URL: url })
  await listening(server, 3)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql`insert into taskport.migrations (version) values (999)`
  const [first = 0, ...others] = pids(server)
  process.kill(first, 'SIGKILL')
  await eventually(
    () => count(server, 'worker could not start') >= 3,
    () => `3 failed starts, not ${count(server, 'worker could not start')}`,
    30_000,
  )
  const pauses = server.lines.flatMap(({ next_start_ms }) => next_start_ms ?? [])
  expect(pauses.slice(0, 4)).toEqual([200, 400, 800, 1600])
  expect(server.stderr()).toContain('schema 999')
  expect(others.every(lives)).toBe(true)
  const { token } = await tokenFor(temporaryFolder(), ['--sub', 'alice'])
  const headers = { authorization: `Bearer ${token}`, connection: 'close' }
  for (let n = 0; n < 10; n++) {
    expect((await fetch(`${server.url}/api/tasks`, { headers })).status).toBe(200)
  }
  await sql`delete from taskport.migrations where version = 999`
  await sql.end()
  await listening(server, 4)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('a worker that fails uncaught ends with code 1 and is replaced', async () => {
  const server = await start({ WORKERS: '2', BUN_OPTIONS: `--preload=${FAULT}` })
  await listening(server, 2)
  const [first = 0] = pids(server)
  process.kill(first, 'SIGUSR2')
  await listening(server, 3)
  expect(server.lines).toContainEqual(
    expect.objectContaining({ msg: 'worker died', pid: first, code: 1, next_start_ms: 200 }),
  )
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('workers do not outlive their supervisor', async () => {
  const server = await start()
  await listening(server, 3)
  server.signal('SIGKILL')
  await eventually(() => !pids(server).some(lives), 'all workers have ended')
  expect(await fetch(server.url).catch(() => 'refused')).toBe('refused')
})

test('a port that is taken and a worker that cannot start, end it with a message', async () => {
  const other = await start({ WORKERS: '1' })
  const { port } = new URL(other.url)
  const taken = await start({ PORT: port })
  expect(await taken.exited).toBe(1)
  expect(taken.stderr()).toContain(`Port ${port} on 127.0.0.1 is taken`)
  other.signal('SIGTERM')
  await other.exited

  const url = await freshDatabase()
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql`create schema taskport`
  await sql`create table taskport.migrations (version integer, applied_at timestamptz default now())`
  await sql`insert into taskport.migrations (version) values (999)`
  await sql.end()
  const newer = await start({ DATABASE_URL: url })
  expect(await newer.exited).toBe(1)
  expect(newer.stderr()).toContain('schema 999')
})
