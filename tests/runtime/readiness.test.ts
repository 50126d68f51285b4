import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { copyFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { pgBossQueue } from '../../src/adapters/jobs/pg-boss.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { temporaryFolder } from '../support/folder.ts'
import { json, openHttp } from '../support/http.ts'
import { privateServer } from '../support/postgres.ts'
import { killServers, SHARED, startServer, tokenFor } from '../support/server.ts'
import { eventually } from '../support/wait.ts'

setDefaultTimeout(60_000)

afterAll(killServers)

test('a background job that fails is named, and the status stays 200', async () => {
  const since = '2020-02-10T12:00:00.000Z'
  const http = openHttp(memoryStorage().tasks, {
    failingJobs: () => [{ job: 'purge-expired', since }],
  })
  const response = await http.call('GET', '/health/ready', { as: null })
  expect(response.status).toBe(200)
  expect(await json(response)).toEqual({
    status: 'ready',
    degraded: [{ job: 'purge-expired', since }],
  })
})

test('a job queue that cannot be reached says since when, until it is', async () => {
  const database = await privateServer()
  await database.stop()
  const queue = pgBossQueue(database.url, { poll: 50, idlePoll: 50 })
  expect(queue.failingSince()).toBeNull()
  const before = new Date().toISOString()
  queue.work(async () => {})
  expect(queue.failingSince()).not.toBeNull()
  expect((queue.failingSince() ?? '') >= before).toBe(true)
  await database.start()
  await eventually(() => queue.failingSince() === null, 'the queue works', 30_000)
  await database.stop()
  await eventually(() => queue.failingSince() !== null, 'the queue fails', 30_000)
  await database.start()
  await eventually(() => queue.failingSince() === null, 'the queue works again', 30_000)
  await queue.stop()
  await database.close()
})

test('a database file deleted or replaced under a server: 503, nothing acknowledged, and the log says why', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'data/taskport.db')
  const server = await startServer(folder, SHARED)
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const create = async (): Promise<number> => {
    const body = '{"title":"a"}'
    const response = await fetch(`${server.url}/api/tasks`, { method: 'POST', headers, body })
    return response.status
  }
  const readiness = async (): Promise<number> => (await fetch(`${server.url}/health/ready`)).status
  expect([await create(), await readiness()]).toEqual([201, 200])

  renameSync(path, `${path}.away`)
  expect([await create(), await readiness()]).toEqual([503, 503])
  copyFileSync(`${path}.away`, path)
  expect([await create(), await readiness()]).toEqual([503, 503])
  await eventually(
    () =>
      server.lines.filter((line) => {
        return line['status'] === 503 && JSON.stringify(line).includes('deleted or replaced')
      }).length === 4,
    () => `4 lines with the reason, not ${JSON.stringify(server.lines)}`,
  )
  renameSync(`${path}.away`, path)
  expect([await create(), await readiness()]).toEqual([201, 200])
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
