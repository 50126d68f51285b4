import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Job, JobQueue } from '../../src/application/ports.ts'
import { jobOf } from '../support/jobs.ts'
import { eventually, within } from '../support/wait.ts'

/**
 * What every job queue must do. `open` returns one that looks for jobs often and pauses shortly after a
 * failure. Only one suite may run on a queue.
 */
export const jobQueueContract = (name: string, open: () => Promise<JobQueue>): void => {
  describe(`JobQueue contract: ${name}`, () => {
    let queue: JobQueue
    const started: Job[] = []
    const settled: (() => void)[] = []
    const handlers = new Map<string, (job: Job) => Promise<void>>()

    beforeAll(async () => {
      queue = await open()
      queue.work(
        async (job) => {
          started.push(job)
          await handlers.get(job.id)?.(job)
        },
        () => {
          for (const each of settled) each()
        },
      )
    })
    const releases: (() => void)[] = []
    afterAll(() => {
      for (const release of releases) release()
      return queue.stop()
    })

    const countOf = (id: string): number => started.filter((job) => job.id === id).length
    const until = (id: string, count: number): Promise<unknown> =>
      eventually(
        () => countOf(id) >= count,
        () => `${id} was run ${countOf(id)} times, not ${count}.`,
        20_000,
      )
    /** By then everything enqueued before has been looked at. */
    const lookedAt = async (id: string): Promise<void> => {
      await queue.enqueue([jobOf(id)])
      await until(id, 1)
    }

    test('runs a job as it was enqueued', async () => {
      const job = jobOf('it\'s "Ünï" 👩‍👩‍👧‍👦 \u2028 x'.repeat(8), ' owner "o" \\ ')
      await queue.enqueue([job])
      await until(job.id, 1)
      expect(started).toContainEqual(job)
    })

    test('once, however often it is enqueued while it waits or runs', async () => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>()
      handlers.set('same', () => held)
      for (let n = 0; n < 5; n++) await queue.enqueue([jobOf('same')])
      await until('same', 1)
      await queue.enqueue([jobOf('same')])
      await queue.enqueue([jobOf('same', 'bob')])
      await until('same', 2)
      await lookedAt('after same')
      const owners = started.filter(({ id }) => id === 'same').map(({ owner }) => owner)
      expect(owners.sort()).toEqual(['alice', 'bob'])
      release()
    })

    test('and again when it is enqueued after it has settled', async () => {
      const { promise: once, resolve } = Promise.withResolvers<void>()
      handlers.set('again', async () => void settled.push(resolve))
      await queue.enqueue([jobOf('again')])
      await within(once, 'The job did not settle.')
      handlers.delete('again')
      await queue.enqueue([jobOf('again')])
      await until('again', 2)
    })

    test('again until it succeeds, later each time', async () => {
      const times: number[] = []
      handlers.set('hard', async () => {
        times.push(Date.now())
        if (times.length < 4) throw new Error('not yet')
      })
      await queue.enqueue([jobOf('hard')])
      await until('hard', 4)
      await lookedAt('after hard')
      expect(countOf('hard')).toBe(4)
      const [first = 0, second = 0, , last = 0] = times
      expect(last - second).toBeGreaterThan(second - first)
    })

    test('many at once, and one that takes long does not hold up the others', async () => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>()
      handlers.set('slow', () => held)
      await queue.enqueue([jobOf('slow')])
      await until('slow', 1)
      const ids = Array.from({ length: 50 }, (_, n) => `quick ${n}`)
      await Promise.all(ids.map((id) => queue.enqueue([jobOf(id)])))
      for (const id of ids) await until(id, 1)
      release()
    })

    /** Enqueues `each` jobs of each owner, which do not end before they are released. */
    const holdJobs = async (name: string, owners: readonly string[], each: number) => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>()
      releases.push(release)
      const ids = Array.from({ length: each }, (_, n) => `${name} ${n}`)
      for (const id of ids) handlers.set(id, () => held)
      await queue.enqueue(ids.flatMap((id) => owners.map((owner) => jobOf(id, owner))))
      const count = (): number => started.filter(({ id }) => ids.includes(id)).length
      const untilRunning = (jobs: number): Promise<unknown> =>
        eventually(
          () => count() >= jobs,
          () => `${count()} jobs were run, not ${jobs}.`,
          20_000,
        )
      return { count, untilRunning, release }
    }

    test('at most 4 of one owner at once', async () => {
      const { count, untilRunning, release } = await holdJobs('greedy', ['greedy'], 10)
      await untilRunning(4)
      await lookedAt('after greedy')
      expect(count()).toBe(4)
      release()
      await untilRunning(10)
      expect(count()).toBe(10)
    })

    test('those that take long leave slots to others, now and when they come again', async () => {
      const owners = Array.from({ length: 20 }, (_, n) => `patient ${n}`)
      const first = await holdJobs('long', owners, 2)
      await first.untilRunning(40)
      // Those that started last become slow 500 ms later, which nothing shows.
      await Bun.sleep(750)
      first.release()
      const again = await holdJobs('long again', owners, 10)
      await again.untilRunning(64)
      await lookedAt('while they run')
      expect(again.count()).toBe(64)
      again.release()
      await again.untilRunning(200)
    })
  })
}
