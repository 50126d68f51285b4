import { expect, test } from 'bun:test'
import { fairShare, type Held } from '../../src/application/fair-share.ts'
import { within } from '../support/wait.ts'

const tooBusy = { kind: 'unavailable' }

/** Takes 1 each for owners, and notes in which order they get it. */
const queueOf = (share: ReturnType<typeof fairShare>, owners: readonly string[]) => {
  const order: string[] = []
  const taken = owners.map(async (owner) => {
    const held = await share.take(owner, 1)
    order.push(owner)
    await Promise.resolve()
    held.settle(0)
  })
  return { order, done: Promise.all(taken) }
}

test('owners that wait take turns, however many requests each has', async () => {
  const share = fairShare({ capacity: 1, perOwner: 1 })
  const first = await share.take('alice', 1)
  const { order, done } = queueOf(share, ['alice', 'alice', 'alice', 'bob', 'carol'])
  first.settle(0)
  await within(done, 'all have had their turn')
  expect(order).toEqual(['alice', 'bob', 'carol', 'alice', 'alice'])
  expect(share.held()).toBe(0)
})

test('an owner has no more than its part, and others pass it', async () => {
  const share = fairShare({ capacity: 3, perOwner: 2 })
  const all = await share.take('alice', 2)
  const { order, done } = queueOf(share, ['alice', 'bob'])
  await Bun.sleep(0)
  expect(order).toEqual(['bob'])
  expect(share.held()).toBe(2)
  all.settle(0)
  await within(done, 'all have had their turn')
})

test('what is held can be less or more than was taken', async () => {
  const share = fairShare({ capacity: 10, perOwner: 8 })
  const held = await share.take('alice', 8)
  const next: Held[] = []
  void share.take('bob', 8).then((got) => next.push(got))
  held.settle(20)
  await Bun.sleep(0)
  expect([share.held(), next.length]).toEqual([20, 0])
  held.settle(2)
  await Bun.sleep(0)
  expect([share.held(), next.length]).toEqual([10, 1])
})

test('waiting ends with an error, and so does a queue that is full', async () => {
  const share = fairShare({
    capacity: 1,
    perOwner: 1,
    queue: 2,
    queuePerOwner: 1,
    patience: 50,
  })
  const held = await share.take('alice', 1)
  const waiting = Promise.allSettled([share.take('alice', 1), share.take('bob', 1)])
  await expect(share.take('alice', 1)).rejects.toMatchObject(tooBusy)
  await expect(share.take('carol', 1)).rejects.toMatchObject(tooBusy)
  for (const each of await waiting) expect(each).toMatchObject({ reason: tooBusy })
  held.settle(0)
  const again = await within(share.take('carol', 1), 'room again')
  again.settle(0)
  expect(share.held()).toBe(0)
})
