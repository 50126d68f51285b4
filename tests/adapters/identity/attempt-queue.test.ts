import { expect, test } from 'bun:test'
import { attemptQueue } from '../../../src/adapters/identity/attempt-queue.ts'
import { LIMITS } from '../../../src/adapters/identity/limits.ts'
import { eventually, within } from '../../support/wait.ts'

const { signal } = new AbortController()
const HERE = { signal, site: '203.0.113.7', known: false }
const BUSY = { kind: 'unavailable', message: expect.stringMatching(/Try again/) }

/** Attempts that run until they are ended. */
const attempts = (limits = {}) => {
  const queue = attemptQueue({ ...LIMITS, ...limits })
  const begun: number[] = []
  const ends = new Map<number, () => void>()
  const add = (id: number, client = {}): Promise<number> =>
    queue({ ...HERE, site: `site ${id}`, ...client }, async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      begun.push(id)
      ends.set(id, resolve)
      await promise
      return id
    })
  return { add, begun, end: (id: number) => ends.get(id)?.() }
}

test('one attempt runs, sixteen wait in order, and the next is refused at once', async () => {
  const { add, begun, end } = attempts()
  const all = Array.from({ length: 17 }, (_, id) => add(id))
  await expect(within(add(17), 'the refusal', 2000)).rejects.toMatchObject(BUSY)
  expect(begun).toEqual([0])
  for (const [id, attempt] of all.entries()) {
    end(id)
    expect(await within(attempt, `attempt ${id}`)).toBe(id)
  }
  expect(begun).toEqual(all.map((_, id) => id))
  const again = add(18)
  end(18)
  expect(await within(again, 'the idle queue')).toBe(18)
})

test('one whose client is gone leaves its place, and never begins', async () => {
  const { add, begun, end } = attempts()
  const first = add(0)
  const client = new AbortController()
  const leaving = { signal: client.signal }
  const gone = Promise.allSettled(Array.from({ length: 16 }, (_, n) => add(n + 1, leaving)))
  client.abort()
  expect(await gone).toMatchObject(Array(16).fill({ status: 'rejected', reason: BUSY }))
  await expect(within(add(20, leaving), 'the refusal', 2000)).rejects.toMatchObject(BUSY)
  const next = add(21)
  end(0)
  await first
  await eventually(() => begun.length > 1, 'the next one')
  expect(begun).toEqual([0, 21])
  end(21)
  expect(await next).toBe(21)
})

const ATTACK = { site: '2001:db8:1' }
const RETURNING = { site: '203.0.113.9', known: true }

/** Ends each attempt that begins until all have ended; the order in which they began. */
const drain = async ({ begun, end }: ReturnType<typeof attempts>, count: number) => {
  for (let n = 0; n < count; n++) {
    await eventually(() => begun.length > n, `attempt ${n}`)
    end(begun[n] as number)
  }
  return begun
}

test('one site has at most eight waiting, and others take turns with it', async () => {
  const queue = attempts()
  for (let id = 0; id <= 8; id++) void queue.add(id, ATTACK)
  await expect(within(queue.add(9, ATTACK), 'the refusal', 2000)).rejects.toMatchObject(BUSY)
  void queue.add(10)
  expect(await drain(queue, 10)).toEqual([0, 10, 1, 2, 3, 4, 5, 6, 7, 8])
})

test('a flood from many sites neither delays nor refuses a known client', async () => {
  const queue = attempts()
  for (let id = 0; id <= 16; id++) void queue.add(id)
  await expect(within(queue.add(17), 'the refusal', 2000)).rejects.toMatchObject(BUSY)
  for (let id = 20; id < 22; id++) void queue.add(id, RETURNING)
  expect((await drain(queue, 19)).slice(0, 5)).toEqual([0, 20, 1, 21, 2])
})

test('a failure ends the turn as well', async () => {
  const queue = attemptQueue(LIMITS)
  const failed = queue(HERE, () => Promise.reject(new Error('failed')))
  const next = queue(HERE, async () => 'next')
  await expect(failed).rejects.toThrow('failed')
  expect(await within(next, 'the next one')).toBe('next')
})

test('a wait is bounded, and so is the time for which others wait', async () => {
  const impatient = attempts({ patience: 20 })
  void impatient.add(0)
  await expect(within(impatient.add(1), 'the end of patience')).rejects.toMatchObject(BUSY)
  expect(impatient.begun).toEqual([0])

  const short = attempts({ turn: 20 })
  void short.add(0)
  const next = short.add(1).then(() => short.begun)
  const polite = setInterval(() => short.end(1), 5)
  expect(await within(next, 'the attempt after one that hangs')).toEqual([0, 1])
  clearInterval(polite)
})
