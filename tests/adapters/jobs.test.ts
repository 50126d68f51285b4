import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { memoryJobQueue } from '../../src/adapters/jobs/memory.ts'
import { jobQueueContract } from '../contracts/job-queue.ts'
import { temporaryFolder } from '../support/folder.ts'
import { openQueue } from '../support/jobs.ts'
import { freshDatabase, privateServer } from '../support/postgres.ts'

setDefaultTimeout(60_000)

const now = (): string => new Date().toISOString()

const newFile = (): string => join(temporaryFolder(), 'taskport.db')

jobQueueContract('memory', async () => memoryJobQueue({ pause: 20 }))
jobQueueContract('sqlite', async () => openQueue(newFile()))
jobQueueContract('pg-boss', async () => openQueue(await freshDatabase()))

describe.each([
  ['sqlite', async () => newFile()],
  ['pg-boss', freshDatabase],
])('jobs that are kept: %s', (_, newPlace) => {
  test('one whose process is killed while doing it is done by the next', async () => {
    const place = await newPlace()
    const first = await openQueue(place)
    await first.enqueue({ kind: 'deliver', key: 'held' }, now())
    await first.stop()
    const holder = Bun.spawn(
      [process.execPath, join(import.meta.dir, '../support/hold-job.ts'), place],
      {
        stdout: 'pipe',
      },
    )
    const { value } = await holder.stdout.getReader().read()
    expect(new TextDecoder().decode(value)).toBe('held\n')
    holder.kill('SIGKILL')
    await holder.exited

    const { promise: done, resolve } = Promise.withResolvers<string>()
    const next = await openQueue(place)
    next.work(async ({ key }) => resolve(key))
    expect(await done).toBe('held')
    await next.stop()
  })
})

test('pg-boss goes on after PostgreSQL has been away: what it was doing, what waits, what is new', async () => {
  const server = await privateServer()
  const queue = await openQueue(server.url)
  const done = new Set<string>()
  let news = Promise.withResolvers<void>()
  const { promise: back, resolve: goOn } = Promise.withResolvers<void>()
  queue.work(async ({ key }) => {
    if (key === 'running') {
      news.resolve()
      await back
    }
    done.add(key)
    news.resolve()
    news = Promise.withResolvers()
  })
  await queue.enqueue({ kind: 'ping', key: 'running' }, now())
  await news.promise
  await queue.enqueue({ kind: 'ping', key: 'waiting' }, new Date(Date.now() + 1000).toISOString())
  await server.stop()
  goOn()
  await expect(queue.enqueue({ kind: 'ping', key: 'refused' }, now())).rejects.toMatchObject({
    kind: 'unavailable',
  })
  await server.start()
  await queue.enqueue({ kind: 'ping', key: 'new' }, now())
  while (done.size < 3) await news.promise
  expect([...done].sort()).toEqual(['new', 'running', 'waiting'])
  await queue.stop()
  await server.close()
})
