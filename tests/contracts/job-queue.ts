import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Job, JobQueue } from '../../src/application/ports.ts'

/** Milliseconds of the real clock: queues look at it themselves. */
const inAWhile = (milliseconds: number): string => new Date(Date.now() + milliseconds).toISOString()

/**
 * What every job queue must do. `open` gives one that looks for jobs often and pauses shortly after a
 * failure. Only one suite may run on a queue.
 */
export const jobQueueContract = (name: string, open: () => Promise<JobQueue>): void => {
  describe(`JobQueue contract: ${name}`, () => {
    let queue: JobQueue
    const done: Job[] = []
    const handlers = new Map<string, (job: Job) => Promise<void>>()
    let news = Promise.withResolvers<void>()

    beforeAll(async () => {
      queue = await open()
      queue.work(async (job) => {
        done.push(job)
        news.resolve()
        news = Promise.withResolvers()
        await handlers.get(job.key)?.(job)
      })
    })
    afterAll(() => queue.stop())

    const countOf = (key: string): number => done.filter((job) => job.key === key).length
    const until = async (key: string, count: number): Promise<void> => {
      while (countOf(key) < count) await news.promise
    }
    /** By then everything enqueued before has been looked at. */
    const settled = async (key: string): Promise<void> => {
      await queue.enqueue({ kind: 'tidy', key }, inAWhile(0))
      await until(key, 1)
    }

    test('does a job, with its kind and key as they were', async () => {
      const job: Job = { kind: 'ping', key: 'it\'s "Ünï" 👩‍👩‍👧‍👦 \u2028 x'.repeat(8) }
      await queue.enqueue(job, inAWhile(0))
      await until(job.key, 1)
      expect(done).toContainEqual(job)
    })

    test('not before its time', async () => {
      const at = inAWhile(400)
      await queue.enqueue({ kind: 'ping', key: 'later' }, at)
      await settled('before later')
      expect(countOf('later')).toBe(0)
      await until('later', 1)
      expect(new Date().toISOString() >= at).toBe(true)
    })

    test('once, however often it is enqueued while it waits or is being done', async () => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>()
      handlers.set('same', () => held)
      for (let n = 0; n < 5; n++) await queue.enqueue({ kind: 'deliver', key: 'same' }, inAWhile(0))
      await until('same', 1)
      await queue.enqueue({ kind: 'deliver', key: 'same' }, inAWhile(0))
      await queue.enqueue({ kind: 'ping', key: 'same' }, inAWhile(0))
      await until('same', 2)
      await settled('after same')
      expect(countOf('same')).toBe(2)
      expect(new Set(done.filter(({ key }) => key === 'same').map(({ kind }) => kind)).size).toBe(2)
      release()
    })

    test('and again when it is enqueued after that', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      handlers.set('again', async () => resolve())
      await queue.enqueue({ kind: 'ping', key: 'again' }, inAWhile(0))
      await promise
      while (countOf('again') < 2) {
        await queue.enqueue({ kind: 'ping', key: 'again' }, inAWhile(0))
        await Bun.sleep(5)
      }
    })

    test('again until it succeeds, later each time', async () => {
      const times: number[] = []
      handlers.set('hard', async () => {
        times.push(Date.now())
        if (times.length < 4) throw new Error('not yet')
      })
      await queue.enqueue({ kind: 'deliver', key: 'hard' }, inAWhile(0))
      await until('hard', 4)
      await settled('after hard')
      expect(countOf('hard')).toBe(4)
      const [first = 0, second = 0, , last = 0] = times
      expect(last - second).toBeGreaterThan(second - first)
    })

    test('many at once, one that takes long does not hold up the others', async () => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>()
      handlers.set('slow', () => held)
      await queue.enqueue({ kind: 'deliver', key: 'slow' }, inAWhile(0))
      await until('slow', 1)
      const keys = Array.from({ length: 50 }, (_, n) => `quick ${n}`)
      await Promise.all(keys.map((key) => queue.enqueue({ kind: 'deliver', key }, inAWhile(0))))
      for (const key of keys) await until(key, 1)
      release()
    })
  })
}
