import { Database } from 'bun:sqlite'
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readEvents } from '../support/events.ts'
import { temporaryFolder } from '../support/folder.ts'
import { killServers, SHARED, startServer, tokenFor } from '../support/server.ts'
import { within } from '../support/wait.ts'

setDefaultTimeout(60_000)

afterAll(killServers)

const FAULT = join(import.meta.dir, '../support/fault.ts')

const HANG = join(import.meta.dir, '../support/hang.ts')

test.each([
  ['throw', 'planted exception'],
  ['reject', 'planted rejection'],
])('an uncaught error (%s) is logged and ends the process in order', async (fault, message) => {
  const folder = temporaryFolder()
  const server = await startServer(folder, { ...SHARED, FAULT: fault }, ['--preload', FAULT])
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const stream = await readEvents(`${server.url}/api/events`, headers)
  expect(await stream.next()).toMatchObject({ event: 'current' })
  const body = '{"title":"stored"}'
  const created = await fetch(`${server.url}/api/tasks`, { method: 'POST', headers, body })
  expect(created.status).toBe(201)
  expect(await stream.next()).toMatchObject({ data: { op: 'upsert' } })
  expect(await stream.next()).toMatchObject({ event: 'current' })

  server.signal('SIGUSR2')
  expect(await server.exited).toBe(1)
  expect(await stream.next()).toBeUndefined()
  expect(server.lines.at(-1)).toMatchObject({
    level: 'error',
    msg: 'uncaught error, stopping',
    error: { message, frames: expect.arrayContaining([expect.stringContaining('fault.ts')]) },
  })
  // A connection that was closed in order has emptied and removed the write-ahead log.
  const path = join(folder, 'data/taskport.db')
  expect(existsSync(`${path}-wal`)).toBe(false)
  const db = new Database(path, { readonly: true })
  expect(db.query('select count(*) as n from tasks').get()).toEqual({ n: 1 })
  db.close()
})

test('a request that never ends does not hold up the end after an uncaught error', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder, SHARED, ['--preload', FAULT])
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const hanging = fetch(`${server.url}/api/tasks`, { method: 'POST', headers, body }).catch(
    () => {},
  )
  await fetch(`${server.url}/api/tasks`, { headers })
  server.signal('SIGUSR2')
  expect(await server.exited).toBe(1)
  expect(server.lines.map(({ msg }) => msg)).not.toContain(
    'stopping takes too long, ending at once',
  )
  await hanging
})

test('the process ends, even if a part never stops', async () => {
  const child = Bun.spawn([process.execPath, HANG], {
    stdout: 'pipe',
    stderr: 'inherit',
    env: { PATH: process.env['PATH'] ?? '' },
  })
  await within(child.stdout.getReader().read(), 'The process did not start.', 30_000)
  child.kill('SIGUSR2')
  const ended = within(child.exited, 'The process did not end.', 30_000)
  expect(await ended.finally(() => child.kill('SIGKILL'))).toBe(1)
})
