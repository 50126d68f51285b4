import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { taskport } from '../client/index.ts'
import { removeFolders, temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import { enter, killServers, PASSWORD, SHARED, startServer, tokenFor } from './support/server.ts'
import { eventually, within } from './support/wait.ts'

setDefaultTimeout(60_000)

afterAll(() => {
  killServers()
  removeFolders()
})

const JSON_TYPE = { 'content-type': 'application/json' }
const ALL = ['tasks:read', 'tasks:write', 'tasks:delete', 'webhooks']

/** Over a connection of its own, so that any worker may get it. */
const call = (url: string, bearer: string, method = 'GET', body?: object): Promise<Response> =>
  fetch(url, {
    method,
    headers: { authorization: `Bearer ${bearer}`, connection: 'close', ...(body && JSON_TYPE) },
    ...(body && { body: JSON.stringify(body) }),
  })

const tokenOf = async (url: string, session: string): Promise<{ id: string; token: string }> =>
  json(call(`${url}/api/tokens`, session, 'POST', { name: 'script', scopes: ALL }))

test('three workers accept a token with an external issuer, and none does once it is revoked', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder, {
    ...SHARED,
    DATABASE_URL: await freshDatabase(),
    WORKERS: '3',
  })
  const listening = () => server.lines.filter(({ msg }) => msg === 'listening').length === 3
  await eventually(listening, 'three workers listen', 30_000)
  const { token: session } = await tokenFor(folder, ['--sub', 'alice'])
  const tasks = `${server.url}/api/tasks`
  const statuses = async (token: string): Promise<number[]> => {
    const responses = await Promise.all(Array.from({ length: 30 }, () => call(tasks, token)))
    return [...new Set(responses.map(({ status }) => status))]
  }
  for (let round = 0; round < 5; round++) {
    const { id, token } = await tokenOf(server.url, session)
    expect(await statuses(token)).toEqual([200])
    const noted = async () =>
      (await json(call(`${server.url}/api/tokens`, session)))[0].last_used_at
    expect(await eventually(noted, 'the use is noted')).toEndWith(':00.000Z')
    const revoked = await call(`${server.url}/api/tokens/${id}`, session, 'DELETE')
    expect(revoked.status).toBe(204)
    expect(await statuses(token)).toEqual([401])
  }
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('a token reaches no account, survives a restart, and goes with its account', async () => {
  const folder = temporaryFolder()
  const first = await startServer(folder)
  const { token: session, cookie } = await enter(first.url, 'sign-up', 'ada@example.com')
  const { token } = await tokenOf(first.url, session)
  const auth = (path: string, method = 'GET', body?: object) =>
    call(`${first.url}/api/auth${path}`, token, method, body)
  expect(await json(auth('/get-session'))).toBeNull()
  expect((await auth('/token')).status).toBe(401)
  const refused = await auth('/delete-user', 'POST', { password: PASSWORD })
  expect(refused.status).toBe(401)
  first.signal('SIGTERM')
  expect(await first.exited).toBe(0)

  const second = await startServer(folder)
  const read = () => call(`${second.url}/api/tasks`, token)
  expect((await read()).status).toBe(200)
  const deleted = await fetch(`${second.url}/api/auth/delete-user`, {
    method: 'POST',
    headers: { ...JSON_TYPE, cookie, origin: second.url },
    body: JSON.stringify({ password: PASSWORD }),
  })
  expect(deleted.status).toBe(200)
  expect((await read()).status).toBe(401)
  const late = { name: 'late', scopes: ALL }
  expect((await call(`${second.url}/api/tokens`, session, 'POST', late)).status).toBe(401)
  second.signal('SIGTERM')
  expect(await second.exited).toBe(0)
})

test('the client needs nothing but the token', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder, SHARED)
  const { token: session } = await tokenFor(folder, ['--sub', 'alice'])
  const { id, token } = await tokenOf(server.url, session)
  const client = taskport({ url: server.url, token: () => token, pause: 1 })
  const task = await client.create({ title: 'Buy milk' })
  expect(await client.update(task.id, { title: 'Buy oat milk' })).toMatchObject({ revision: 2 })
  expect(await client.list()).toMatchObject([{ title: 'Buy oat milk' }])
  const pages = client.follow()
  const { value } = await within(pages.next(), 'The feed should have a first page.')
  expect(value?.changes).toMatchObject([{ op: 'upsert', task: { id: task.id } }])
  await pages.return(undefined)
  await client.delete(task.id)
  await call(`${server.url}/api/tokens/${id}`, session, 'DELETE')
  await expect(client.list()).rejects.toMatchObject({ status: 401 })
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
