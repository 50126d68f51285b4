import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { listReader } from '../../src/adapters/sqlite/list-reader.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { newTask } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { removeFolders, temporaryFolder } from '../support/folder.ts'
import { commitOf, countingIds, NOON, WHOLE } from '../support/tasks.ts'
import { within } from '../support/wait.ts'

setDefaultTimeout(30_000)

const COUNT = 5000
const path = join(temporaryFolder(), 'tasks.db')
const newId = countingIds()
const SEARCH = taskQuery({ q: 'absent' })
const LIST = { owner: 'alice', query: taskQuery(), page: WHOLE }

let storage: ReturnType<typeof sqliteStorage>
beforeAll(async () => {
  storage = sqliteStorage(path)
  const description = '😀'.repeat(1000)
  const writes = Array.from({ length: COUNT }, (_, n) => ({
    op: 'create' as const,
    task: newTask(newId(NOON), 'alice', { title: `${n}`, description }, NOON),
    revisionOffset: n + 1,
  }))
  await storage.tasks.commit(commitOf('alice', writes))
})
afterAll(() => {
  storage.close()
  removeFolders()
})

/** Milliseconds of the longest time without a turn of the event loop, and of the whole work. */
const longestStall = async (work: () => Promise<unknown>) => {
  const began = performance.now()
  let last = began
  let longest = 0
  const look = (): void => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  const timer = setInterval(look, 1)
  await work()
  look()
  clearInterval(timer)
  return { longest, total: last - began }
}

describe('a list of many tasks', () => {
  test.each([
    ['a search', () => storage.tasks.list('alice', SEARCH, { limit: 20, after: null })],
    ['a whole list', () => storage.tasks.list('alice', taskQuery(), WHOLE)],
  ])('%s leaves the event loop to others', async (_, read) => {
    await read().then((list) => list.tasks.text())
    const stalls: number[] = []
    for (let n = 0; n < 5; n++) {
      const { longest, total } = await longestStall(async () => {
        const reads = Array.from({ length: 3 }, () => storage.tasks.list('alice', SEARCH, WHOLE))
        const { tasks } = await read()
        if (tasks.stream) await new Response(tasks.stream()).bytes()
        await Promise.all(reads)
      })
      stalls.push(longest / total)
    }
    expect(Math.min(...stalls)).toBeLessThan(0.5)
  })
})

describe('the reader', () => {
  test('replaces a thread that has died', async () => {
    const reader = listReader(path)
    const { count, version } = await within(reader.read(LIST), 'a list')
    expect([count, version.revision]).toEqual([COUNT, COUNT])
    const reading = reader.read(LIST)
    reader.close()
    await expect(within(reading, 'the end of the read')).rejects.toMatchObject({
      kind: 'unavailable',
    })
    expect((await within(reader.read(LIST), 'a list after that')).count).toBe(COUNT)
    reader.close()
  })

  test('fails a read when its thread fails, and tries again with another', async () => {
    const reader = listReader(join(temporaryFolder(), 'absent.db'))
    for (let n = 0; n < 2; n++) {
      const error = await within(
        reader.read(LIST).catch((thrown: unknown) => thrown),
        'a failure',
      )
      expect(error).toMatchObject({ kind: 'unavailable' })
      expect(String((error as Error).cause)).toContain('unable to open')
    }
    reader.close()
  })
})
