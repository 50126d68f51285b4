import { expect, test } from 'bun:test'
import { attemptQueue } from '../../../src/adapters/identity/attempt-queue.ts'
import { LIMITS } from '../../../src/adapters/identity/limits.ts'
import { eventually, within } from '../../support/wait.ts'

const HERE = new AbortController().signal
const BUSY = { kind: 'unavailable', message: expect.stringMatching(/Try again/) }

/** Attempts that run until they are ended. */
const attempts = (limits = {}) => {
  const queue = attemptQueue({ ...LIMITS, ...limits })
  const begun: number[] = []
  const ends = new Map<number, () => void>()
  const add = (id: number, signal = HERE): Promise<number> =>
    queue(signal, async () => {
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
  const gone = Promise.allSettled(Array.from({ length: 16 }, (_, n) => add(n + 1, client.signal)))
  client.abort()
  expect(await gone).toMatchObject(Array(16).fill({ status: 'rejected', reason: BUSY }))
  await expect(within(add(20, client.signal), 'the refusal', 2000)).rejects.toMatchObject(BUSY)
  const next = add(21)
  end(0)
  await first
  await eventually(() => begun.length > 1, 'the next one')
  expect(begun).toEqual([0, 21])
  end(21)
  expect(await next).toBe(21)
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
