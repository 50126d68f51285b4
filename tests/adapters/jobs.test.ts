import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { inProcessQueue } from '../../src/adapters/jobs/in-process.ts'
import { pgBossQueue } from '../../src/adapters/jobs/pg-boss.ts'
import { jobQueueContract } from '../contracts/job-queue.ts'
import { jobOf, openQueue } from '../support/jobs.ts'
import { freshDatabase, privateServer } from '../support/postgres.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(60_000)

jobQueueContract('in-process', async () => inProcessQueue({ pause: 20 }))
jobQueueContract('pg-boss', async () => openQueue(await freshDatabase()))

const held = jobOf('held')

describe('in-process', () => {
  test('a failure to report a failure leaves no job behind', async () => {
    const { promise: again, resolve } = Promise.withResolvers<void>()
    let runs = 0
    const queue = inProcessQueue({
      pause: 20,
      onError: () => {
        throw new Error('no log')
      },
    })
    queue.work(() => {
      if (++runs === 1) throw new Error('at once')
      resolve()
      return Promise.resolve()
    })
    await queue.enqueue([held])
    await within(again, 'The job was not done again.', 5000)
    await queue.stop()
  })

  test('says that a job has ended once it can be enqueued again', async () => {
    const queue = inProcessQueue()
    const { promise: twice, resolve } = Promise.withResolvers<void>()
    let runs = 0
    queue.work(
      async () => {
        if (++runs === 2) resolve()
      },
      () => void (runs < 2 && queue.enqueue([held])),
    )
    await queue.enqueue([held])
    await within(twice, 'The second one was dropped.', 5000)
    await queue.stop()
  })
})

describe('pg-boss', () => {
  test('a job whose process is killed while doing it is done by another, which was idle', async () => {
    const url = await freshDatabase()
    const queue = pgBossQueue(url)
    await queue.start()
    await queue.enqueue([held])
    const holder = Bun.spawn(
      [process.execPath, join(import.meta.dir, '../support/hold-job.ts'), url],
      { stdout: 'pipe' },
    )
    const { value } = await holder.stdout.getReader().read()
    expect(new TextDecoder().decode(value)).toBe('held\n')
    const { promise: done, resolve } = Promise.withResolvers<string>()
    queue.work(async ({ id }) => resolve(id))
    holder.kill('SIGKILL')
    await within(holder.exited, 'The process did not end.')
    expect(await within(done, 'Nobody took the job over.', 20_000)).toBe('held')
    await queue.stop()
  })

  test('what this process enqueues is done at once, however rarely it looks for jobs', async () => {
    const queue = pgBossQueue(await freshDatabase(), { poll: 200, idlePoll: 600_000 })
    await queue.start()
    const done = new Set<string>()
    queue.work(async ({ id }) => void done.add(id))
    const ids = Array.from({ length: 40 }, (_, n) => `${n}`)
    await Promise.all(ids.map((id) => queue.enqueue([jobOf(id)])))
    await eventually(
      () => done.size === 40,
      () => `${40 - done.size} are left.`,
    )
    await queue.stop()
  })
})

test('pg-boss goes on after PostgreSQL has been away: what was running, what waits, what is new', async () => {
  const server = await privateServer()
  const queue = pgBossQueue(server.url, { poll: 50, idlePoll: 50, pause: 1, concurrency: 1 })
  await queue.start()
  const done = new Set<string>()
  const { promise: running, resolve: started } = Promise.withResolvers<void>()
  const { promise: back, resolve: goOn } = Promise.withResolvers<void>()
  queue.work(async ({ id }) => {
    if (id === 'running') {
      started()
      await back
    }
    done.add(id)
  })
  await queue.enqueue([jobOf('running')])
  await within(running, 'The job was not started.')
  await queue.enqueue([jobOf('waiting')])
  await server.stop()
  goOn()
  await expect(queue.enqueue([jobOf('refused')])).rejects.toMatchObject({ kind: 'unavailable' })
  await server.start()
  await queue.enqueue([jobOf('new')])
  await eventually(
    () => done.size === 3,
    () => `Only ${[...done].join(', ')} were run.`,
    30_000,
  )
  expect([...done].sort()).toEqual(['new', 'running', 'waiting'])
  await queue.stop()
  await server.close()
})
