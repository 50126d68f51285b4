import { afterEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import type { Commit, TaskStore } from '../../src/application/ports.ts'
import { newTask } from '../../src/domain/task.ts'
import { appOf } from '../support/app.ts'
import { removeFolders, temporaryFolder } from '../support/folder.ts'
import { commitOf, countingIds, LATER, NOON, revisionOf } from '../support/tasks.ts'

afterEach(removeFolders)

const COUNT = 1000
const newId = countingIds()

/** Counts turns of the event loop until it is stopped. */
const countTurns = () => {
  let turns = 0
  let counting = true
  const turn = (): void => {
    turns++
    if (counting) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    stop: (): number => {
      counting = false
      return turns
    },
  }
}

const open = async (remind_at: string) => {
  const { close, ...storage } = sqliteStorage(join(temporaryFolder(), 'tasks.db'))
  const writes = Array.from({ length: COUNT }, (_, n) => ({
    op: 'create' as const,
    task: newTask(newId(NOON), 'alice', { title: `${n}`, remind_at }, NOON),
    revisionOffset: n + 1,
  }))
  await storage.tasks.commit(commitOf('alice', writes))
  return { ...storage, close }
}

test('reminders that are due together are sent in small commits, with turns of the event loop between', async () => {
  const storage = await open(NOON)
  const sizes: number[] = []
  const tasks: TaskStore = {
    ...storage.tasks,
    commit: (commit: Commit) => {
      sizes.push(commit.writes.length)
      return storage.tasks.commit(commit)
    },
  }
  const app = appOf({ tasks, now: () => LATER, newId })
  const turns = countTurns()
  await app.sendReminders()
  expect(turns.stop()).toBeGreaterThanOrEqual(sizes.length)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(COUNT)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(50)
  expect(await revisionOf(tasks, 'alice')).toBe(2 * COUNT)
  storage.close()
})

test('what has expired is purged in small steps, and owners are looked for once a round', async () => {
  const storage = await open(NOON)
  await appOf({ tasks: storage.tasks, now: () => LATER, newId }).sendReminders()
  const removed: number[] = []
  let rounds = 0
  const tasks: TaskStore = {
    ...storage.tasks,
    expired: (...horizon) => {
      rounds++
      return storage.tasks.expired(...horizon)
    },
    purge: async (...slice) => {
      const rows = await storage.tasks.purge(...slice)
      removed.push(rows)
      return rows
    },
  }
  const turns = countTurns()
  await appOf({ tasks, now: () => '2027-01-01T00:00:00.000Z', newId }).purgeExpired()
  expect(turns.stop()).toBeGreaterThanOrEqual(removed.length)
  expect(removed.reduce((sum, rows) => sum + rows)).toBe(COUNT)
  expect(Math.max(...removed)).toBeLessThanOrEqual(500)
  expect(rounds).toBeLessThanOrEqual(2)
  storage.close()
})
