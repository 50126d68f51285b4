import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { type RunningServer, serve } from '../../src/adapters/http/serve.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { newTask } from '../../src/domain/task.ts'
import { removeFolders, temporaryFolder } from '../support/folder.ts'
import { openHttp } from '../support/http.ts'
import { commitOf, countingIds, NOON } from '../support/tasks.ts'
import { within } from '../support/wait.ts'

setDefaultTimeout(30_000)

const COUNT = 3000
const newId = countingIds()

let storage: ReturnType<typeof sqliteStorage>
let server: RunningServer
beforeEach(async () => {
  storage = sqliteStorage(join(temporaryFolder(), 'tasks.db'))
  const http = openHttp(storage.tasks)
  server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
  const description = '😀'.repeat(1000)
  for (const owner of ['alice', 'bob']) {
    const writes = Array.from({ length: COUNT }, (_, n) => ({
      op: 'create' as const,
      task: newTask(newId(NOON), owner, { title: `${n}`, description }, NOON),
      revisionOffset: n + 1,
    }))
    await storage.tasks.commit(commitOf(owner, writes))
  }
})
afterEach(async () => {
  await server.stop(0)
  storage.close()
  removeFolders()
})

const listOf = (user: string, method = 'GET'): Promise<Response> =>
  within(
    fetch(`${server.url}/api/tasks`, { method, headers: { authorization: `Bearer ${user}` } }),
    `the list of ${user}`,
  )

/** A client that asks for the list of a user and reads the first bytes only, if any. */
const silentClient = async (user: string) => {
  const { promise: begun, resolve } = Promise.withResolvers<void>()
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: Number(new URL(server.url).port),
    socket: {
      data: (peer) => {
        peer.pause()
        resolve()
      },
    },
  })
  socket.write(
    `GET /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${user}\r\n\r\n`,
  )
  return { socket, begun }
}

test('a list of many tasks is whole and has the entity tag of its version', async () => {
  const response = await listOf('alice')
  const tasks = (await response.json()) as { revision: number }[]
  expect(tasks).toHaveLength(COUNT)
  const etag = response.headers.get('etag') ?? ''
  expect(etag).toStartWith(`W/"${COUNT}.`)
  expect(response.headers.get('content-type')).toBe('application/json')
  const again = await fetch(`${server.url}/api/tasks`, {
    headers: { authorization: 'Bearer alice', 'if-none-match': etag },
  })
  expect(again.status).toBe(304)
  const head = await listOf('alice', 'HEAD')
  expect([head.status, head.headers.get('etag')]).toEqual([200, etag])
})

test('a client that does not read its list keeps it from its own user only, and until it goes', async () => {
  const silent = await silentClient('alice')
  await within(silent.begun, 'the beginning of the list')
  expect((await (await listOf('bob')).json()) as unknown[]).toHaveLength(COUNT)
  const page = await fetch(`${server.url}/api/tasks?limit=20`, {
    headers: { authorization: 'Bearer alice' },
  })
  expect(page.status).toBe(200)
  const refused = await listOf('alice')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
  silent.socket.terminate()
  expect((await (await listOf('alice')).json()) as unknown[]).toHaveLength(COUNT)
})

test('a client that goes while it waits for its list holds up nothing', async () => {
  const silent = await silentClient('alice')
  await within(silent.begun, 'the beginning of the list')
  const waiting = await silentClient('alice')
  await listOf('bob')
  waiting.socket.terminate()
  silent.socket.terminate()
  expect((await (await listOf('alice')).json()) as unknown[]).toHaveLength(COUNT)
})
