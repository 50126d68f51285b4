import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { temporaryFolder } from './support/folder.ts'
import { type PostgresServer, privateServer } from './support/postgres.ts'
import { silentProxy } from './support/proxy.ts'
import { startReceiver } from './support/receiver.ts'
import { SHARED, startServer, tokenFor } from './support/server.ts'
import { eventually, within } from './support/wait.ts'

setDefaultTimeout(120_000)

const ENVIRONMENT = { ...SHARED, WEBHOOK_ALLOW: 'http,private', BUDGET_FACTOR: '0' }

const clientOf = async (url: string) => {
  const { token } = await tokenFor(temporaryFolder(), ['--sub', 'alice'])
  return (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
}

test('requests that come before the database was reached are served once it is', async () => {
  const database = await privateServer()
  await database.stop()
  const server = await startServer(temporaryFolder(), {
    ...ENVIRONMENT,
    DATABASE_URL: database.url,
  })
  const call = await clientOf(server.url)
  const receiver = await startReceiver()
  const early = [
    call('GET', '/api/tasks'),
    call('POST', '/api/tasks', { title: 'a' }),
    call('GET', `/api/tasks/${Bun.randomUUIDv7()}`),
    call('GET', '/api/changes'),
    call('GET', '/api/webhooks'),
    call('POST', '/api/webhooks', { url: receiver.url, events: ['task.changed'] }),
  ]
  const responses = Promise.all(early)
  expect((await call('GET', '/health/ready')).status).toBe(503)
  await database.start()
  const statuses = (await within(responses, 'They were not served.')).map(({ status }) => status)
  expect(statuses).toEqual([200, 201, 404, 200, 200, 201])
  await call('POST', '/api/tasks', { title: 'b' })
  await receiver.until(
    () => receiver.deliveries.size > 0,
    () => 'No message came.',
  )
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
  receiver.close()
  await database.close()
})

describe('a process whose database fails', () => {
  test('returns what is right, or 503, and recovers by itself', async () => {
    const database = await privateServer()
    const proxy = silentProxy(database.url)
    const server = await startServer(temporaryFolder(), { ...ENVIRONMENT, DATABASE_URL: proxy.url })
    const call = await clientOf(server.url)
    await eventually(
      async () => (await call('GET', '/health/ready')).ok,
      'It is not ready.',
      30_000,
    )

    const created = new Map<string, string>()
    const unexpected: string[] = []
    const outcomes: Record<number, number> = {}
    let over = false
    const attempt = async (method: string, path: string, body?: object): Promise<Response> => {
      const response = await call(method, path, body)
      outcomes[response.status] = (outcomes[response.status] ?? 0) + 1
      if (![200, 201, 503].includes(response.status)) {
        unexpected.push(`${method} ${path} ${response.status} ${await response.clone().text()}`)
      }
      return response
    }
    const user = async (n: number): Promise<void> => {
      for (let turn = 0; !over; turn++) {
        const title = `${n}/${turn}`
        const response = await attempt('POST', '/api/tasks', { title })
        await attempt('GET', '/api/tasks?limit=50')
        await attempt('GET', '/api/webhooks')
        if (response.status !== 201) continue
        const { id } = (await response.json()) as { id: string }
        created.set(id, title)
        const read = await attempt('GET', `/api/tasks/${id}`)
        if (read.ok) expect(await read.json()).toMatchObject({ id, title })
        const done = await attempt('PATCH', `/api/tasks/${id}/complete`, { completed: true })
        if (done.ok) expect(await done.json()).toMatchObject({ id, title, completed: true })
      }
    }
    const users = Promise.all(Array.from({ length: 8 }, (_, n) => user(n)))

    for (const [name, fault] of Object.entries(faults(database, proxy))) {
      await fault()
      const goal = created.size + 50
      await eventually(() => created.size > goal, `It does not serve after: ${name}.`)
    }
    over = true
    await within(users, 'A request was not answered.', 30_000)
    expect(unexpected).toEqual([])
    expect(outcomes[503]).toBeGreaterThan(0)
    const list = (await (await call('GET', '/api/tasks')).json()) as { id: string; title: string }[]
    const kept = new Map(list.map(({ id, title }) => [id, title]))
    expect([...created].filter(([id, title]) => kept.get(id) !== title)).toEqual([])
    const receiver = await startReceiver()
    await call('POST', '/api/webhooks', { url: receiver.url, events: ['task.changed'] })
    await call('POST', '/api/tasks', { title: 'for the webhook' })
    await receiver.until(
      () => receiver.deliveries.size > 0,
      () => 'Jobs are not run any more.',
    )
    server.signal('SIGTERM')
    expect(await server.exited).toBe(0)
    receiver.close()
    expect(server.stderr()).not.toMatch(/uncaught|TypeError/i)
    proxy.close()
    await database.close()
  })
})

const faults = (
  database: PostgresServer,
  proxy: ReturnType<typeof silentProxy>,
): Record<string, () => Promise<void>> => ({
  'a crash': async () => {
    await database.stop()
    await Bun.sleep(300)
    await database.start()
  },
  'ended sessions': async () => {
    for (let round = 0; round < 10; round++) {
      await administer(
        database.url,
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()',
      )
      await Bun.sleep(20)
    }
  },
  'responses that break off': async () => {
    for (let round = 0; round < 10; round++) {
      proxy.tear(4)
      await Bun.sleep(20)
    }
    proxy.tear(0)
  },
  'frozen processes': async () => {
    const pids = await serverProcesses(database)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await Bun.sleep(2500)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  },
  'a silent network': async () => {
    proxy.goSilent()
    await Bun.sleep(1000)
    proxy.speak()
  },
  'connections lost without a word': async () => {
    proxy.swallow()
    proxy.passAgain()
  },
})

const administer = async (url: string, statement: string): Promise<readonly postgres.Row[]> => {
  const sql = postgres(url, { max: 1, prepare: false, onnotice: () => {} })
  try {
    return await sql.unsafe(statement)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const serverProcesses = async ({ url, folder }: PostgresServer): Promise<number[]> => {
  const first = readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]
  const sessions = await administer(
    url,
    "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  )
  return [Number(first), ...sessions.map(({ pid }) => Number(pid))]
}
