import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { temporaryFolder } from '../support/folder.ts'
import { json } from '../support/http.ts'
import { killServers, SHARED, startServer, tokenFor } from '../support/server.ts'
import { eventually } from '../support/wait.ts'

setDefaultTimeout(60_000)

afterAll(killServers)

const FULL_DISK = join(import.meta.dir, '../support/full-disk.ts')

test('on a full disk writes are 503 and reads go on; with room again all is well, and nothing is lost', async () => {
  const folder = temporaryFolder()
  const first = await startServer(folder, SHARED, ['--preload', FULL_DISK])
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const stored: string[] = []
  const create = async (): Promise<number> => {
    const body = JSON.stringify({ title: 'a', description: 'x'.repeat(1000) })
    const response = await fetch(`${first.url}/api/tasks`, { method: 'POST', headers, body })
    const { id } = (await response.json()) as { id: string }
    if (response.status === 201) stored.push(id)
    else expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
    return response.status
  }
  const listed = async (url: string): Promise<string[]> => {
    const tasks: { id: string }[] = await json(fetch(`${url}/api/tasks?order=asc`, { headers }))
    return tasks.map(({ id }) => id)
  }

  expect(await create()).toBe(201)
  first.signal('SIGUSR2')
  await eventually(async () => (await create()) === 503, 'The disk is not full.', 30_000)
  for (let n = 0; n < 5; n++) expect(await create()).toBe(503)
  expect(await Promise.all([create(), create(), create()])).toEqual([503, 503, 503])
  expect(await listed(first.url)).toEqual(stored)
  expect((await fetch(`${first.url}/health/ready`)).status).toBe(200)

  first.signal('SIGUSR1')
  await eventually(async () => (await create()) === 201, 'Nothing is stored again.')
  for (let n = 0; n < 5; n++) expect(await create()).toBe(201)
  expect(stored.length).toBeGreaterThan(10)
  first.signal('SIGKILL')
  await first.exited
  const second = await startServer(folder, SHARED)
  expect(await listed(second.url)).toEqual(stored)
  second.signal('SIGTERM')
  expect(await second.exited).toBe(0)
})
