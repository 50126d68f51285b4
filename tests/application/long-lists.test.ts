import { describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { type LongListOptions, longLists } from '../../src/application/tasks/long-lists.ts'
import { turn } from '../../src/application/turn.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { appOf } from '../support/app.ts'
import { countingIds, NOON, WHOLE } from '../support/tasks.ts'
import { within } from '../support/wait.ts'

const MEGABYTE = 2 ** 20
const version = { revision: 7, timeline: 'a' }

/** A list of so many chunks of a megabyte each, which counts how often it was read. */
const open = (chunks: number, options: Partial<LongListOptions> = {}) => {
  const list = longLists({ reads: { capacity: 4, perOwner: 1 }, ...options })
  let reads = 0
  const read = async () => {
    reads++
    const bytes = new Uint8Array(MEGABYTE).fill(32)
    return { chunks: Array.from({ length: chunks }, () => bytes), count: chunks, version }
  }
  return { list: (owner: string) => list(owner, WHOLE, read), reads: () => reads }
}

const streamOf = (list: Awaited<ReturnType<ReturnType<typeof open>['list']>>) =>
  list.tasks.stream?.() as ReadableStream<Uint8Array>

test('one whole list of a user is under way until its client has read it', async () => {
  const { list, reads } = open(3)
  const first = await list('alice')
  const second = list('alice')
  const other = await within(list('bob'), 'the list of another user')
  expect([reads(), other.version]).toEqual([2, version])
  const { byteLength } = await new Response(streamOf(first)).bytes()
  expect(byteLength).toBe(3 * MEGABYTE)
  await within(second, 'the second list')
  expect(reads()).toBe(3)
})

test('a client that goes away, or reads nothing, holds up nothing for good', async () => {
  const { list } = open(3, { stall: 50 })
  await streamOf(await list('alice')).cancel()
  const stalled = streamOf(await within(list('alice'), 'a list after a client that went away'))
  await within(list('alice'), 'a list after one that was not read')
  await expect(new Response(stalled).bytes()).rejects.toThrow()
})

test('lists that do not fit into the bytes in flight are not read before they do', async () => {
  const { list, reads } = open(10, { bytesInFlight: 32 * MEGABYTE })
  const lists = [await list('alice'), await list('bob')]
  const third = list('carol')
  await Bun.sleep(0)
  expect(reads()).toBe(2)
  const reader = streamOf(lists[0] as (typeof lists)[0]).getReader()
  for (let n = 0; n < 5; n++) await reader.read()
  await within(third, 'the third list, once half of another is sent')
  expect(reads()).toBe(3)
})

test('a read that fails gives back what it held', async () => {
  const list = longLists({ reads: { capacity: 1, perOwner: 1 }, bytesInFlight: 16 * MEGABYTE })
  const fail = () => Promise.reject(new Error('broken'))
  for (let n = 0; n < 3; n++) {
    await expect(within(list(`user-${n}`, WHOLE, fail), 'a failure')).rejects.toThrow('broken')
  }
})

describe('a large list of few tasks', () => {
  const description = '👍'.repeat(1000)

  const openApp = async (count: number) => {
    const { tasks } = memoryStorage()
    const app = appOf({ tasks, now: () => NOON, newId: countingIds() })
    const operation = { op: 'create', draft: { title: 'a', description } } as const
    await app.changeTasks('alice', Array(count).fill(operation))
    return app
  }

  test('is sent as its client reads, and is the same as a text', async () => {
    const app = await openApp(120)
    const read = async () => (await app.filterTasks('alice', taskQuery(), WHOLE)).list
    const sent = await read()
    expect(sent?.tasks.stream).toBeDefined()
    const text = await new Response(sent?.tasks.stream?.()).text()
    expect(text).toBe((await read())?.tasks.text() ?? '')
    expect(JSON.parse(text)).toHaveLength(120)
  })

  test('waits for room when too many of its user have not been read', async () => {
    const app = await openApp(300)
    const unread = await Promise.all(
      Array.from({ length: 13 }, () => app.filterTasks('alice', taskQuery(), WHOLE)),
    )
    const next = app.filterTasks('alice', taskQuery(), WHOLE)
    const state = () => Promise.race([next.then(() => 'read'), turn().then(() => 'waits')])
    expect(await state()).toBe('waits')
    await unread[0]?.list?.tasks.stream?.().cancel()
    expect((await within(next, 'The next list should be read.')).list?.more).toBe(false)
    for (const { list } of unread) await list?.tasks.stream?.().cancel()
  })

  test('that is larger than what one user may have in flight takes all of it', async () => {
    const app = await openApp(4200)
    const { list } = await app.filterTasks('alice', taskQuery(), WHOLE)
    const text = await new Response(list?.tasks.stream?.()).text()
    expect(Buffer.byteLength(text)).toBeGreaterThan(16 * MEGABYTE)
    expect(JSON.parse(text)).toHaveLength(4200)
  })
})
