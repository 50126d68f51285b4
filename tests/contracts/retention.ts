import { describe, expect, test } from 'bun:test'
import type { Horizon } from '../../src/application/ports.ts'
import { editTask, setCompleted, type Task, type UserId } from '../../src/domain/task.ts'
import { linesOf } from '../support/changes.ts'
import {
  commitOf,
  LATER,
  NOON,
  put,
  remindOf,
  remove,
  replace,
  someone,
  taskOf,
} from '../support/tasks.ts'
import type { Suite } from './storage.ts'

const OLD = '2026-01-01T00:00:00.000Z'
const HORIZON: Horizon = { tombstones: NOON, records: NOON, revisions: 1000 }

export const retentionContract: Suite = (opened) => {
  const tasks = () => opened().tasks

  /** Until nothing is left to purge. */
  const purge = async (owner: UserId, horizon = HORIZON, limit = 2): Promise<number> => {
    for (let all = 0; ; ) {
      const removed = await tasks().purge(owner, horizon, limit)
      if (removed === 0) return all
      all += removed
    }
  }

  const expired = async (horizon = HORIZON): Promise<Set<UserId>> =>
    new Set(await tasks().expired(horizon, 100_000))

  const lines = async (owner: UserId, after = 0): Promise<string[]> =>
    linesOf((await tasks().changes(owner, after, after, 100)).changes.value())

  const storeRecord = (owner: UserId, key: string, at: string) =>
    tasks().commit(commitOf(owner, [], { at, idempotency: { key, request: '', at, changes: [] } }))

  describe('retention', () => {
    test('old tombstones and records are purged, noted as such, and nothing else', async () => {
      const [owner, other] = [someone(), someone()]
      await remove(tasks(), await put(tasks(), other, 'not to be touched'), OLD)
      const old = [await put(tasks(), owner, 'a'), await put(tasks(), owner, 'b')]
      const young = await put(tasks(), owner, 'c')
      await put(tasks(), owner, 'stays', { at: OLD })
      for (const task of old) await remove(tasks(), task, OLD)
      await remove(tasks(), young, NOON)
      for (const key of ['old 1', 'old 2', 'old 3']) await storeRecord(owner, key, OLD)
      await storeRecord(owner, 'young', NOON)
      // The tombstones, the records, and the rows of the creations that the deletions superseded.
      expect(await purge(owner)).toBe(2 + 3 + 3)
      const feed = await tasks().changes(owner, 0, 0, 10)
      expect(linesOf(feed.changes.value())).toEqual(['4 stays', `7 deleted ${young.id}`])
      expect(feed).toMatchObject({ revision: 7, compactedRevision: 6 })
      expect(await tasks().idempotencyRecord(owner, 'old 1')).toBeUndefined()
      expect(await tasks().idempotencyRecord(owner, 'young')).toBeDefined()
      expect((await tasks().changes(other, 0, 0, 10)).compactedRevision).toBe(0)
    })

    test('removes at most so many rows of each kind at once, tombstones in their order', async () => {
      const owner = someone()
      const all: Task[] = []
      for (let n = 0; n < 5; n++) all.push(await put(tasks(), owner, `${n}`))
      for (const task of all) await remove(tasks(), task, OLD)
      for (let n = 0; n < 5; n++) await storeRecord(owner, `${n}`, OLD)
      const counts: number[] = []
      const compacted: number[] = [0]
      for (let removed = 1; removed > 0; ) {
        removed = await tasks().purge(owner, HORIZON, 2)
        counts.push(removed)
        const { compactedRevision } = await tasks().changes(owner, 0, 0, 1)
        expect(compactedRevision).toBeGreaterThanOrEqual(compacted.at(-1) ?? 0)
        compacted.push(compactedRevision)
        expect(await lines(owner, compactedRevision)).toHaveLength(
          Math.min(10 - compactedRevision, 5),
        )
      }
      expect(Math.max(...counts)).toBeLessThanOrEqual(3 * 2)
      expect(counts.reduce((sum, count) => sum + count)).toBe(15)
      expect(compacted.at(-1)).toBe(10)
    })

    test('superseded rows of the change log are purged without loss in the feed', async () => {
      const owner = someone()
      let task = await put(tasks(), owner, 'a')
      const other = await put(tasks(), owner, 'b')
      for (let n = 0; n < 10; n++) {
        task = (await replace(tasks(), setCompleted(task, n % 2 === 0, LATER))) as Task
      }
      await remove(tasks(), other, LATER)
      const before = await Promise.all(
        Array.from({ length: 14 }, (_, after) => lines(owner, after)),
      )
      expect(await purge(owner)).toBe(10 + 1)
      const after = await Promise.all(Array.from({ length: 14 }, (_, from) => lines(owner, from)))
      expect(after).toEqual(before)
      expect(after[0]).toEqual(['12 a', `13 deleted ${other.id}`])
      expect((await tasks().changes(owner, 0, 0, 1)).compactedRevision).toBe(0)
    })

    test('reminders are kept as long as tombstones, and longer while they are the last change', async () => {
      const owner = someone()
      const a = await put(tasks(), owner, { title: 'a', remind_at: OLD })
      const b = await put(tasks(), owner, { title: 'b', remind_at: OLD })
      for (const { id } of [a, b]) await remindOf(tasks(), owner, id, OLD)
      const reminded = (await taskOf(tasks(), owner, a.id)) as Task
      await replace(tasks(), editTask(reminded, { title: 'A' }, LATER))
      await purge(owner, { tombstones: OLD, records: OLD, revisions: 1000 })
      expect(await tasks().remindersAfter(owner, 0)).toEqual({ [a.id]: 3, [b.id]: 4 })
      expect(await purge(owner)).toBe(1)
      expect(await tasks().remindersAfter(owner, 0)).toEqual({ [b.id]: 4 })
      expect(await lines(owner)).toEqual(['4 b', '5 A'])
      expect(await expired()).not.toContain(owner)
    })

    test('tombstones that many revisions behind are purged, however young', async () => {
      const owner = someone()
      for (const title of ['a', 'b', 'c']) {
        await remove(tasks(), await put(tasks(), owner, title), LATER)
      }
      const kept = await put(tasks(), owner, 'kept')
      expect(await purge(owner, { ...HORIZON, revisions: 7 })).toBe(3)
      expect((await tasks().changes(owner, 0, 0, 10)).compactedRevision).toBe(0)
      expect(await purge(owner, { ...HORIZON, revisions: 2 })).toBe(2)
      const feed = await tasks().changes(owner, 0, 0, 10)
      expect(feed.compactedRevision).toBe(4)
      expect(await lines(owner)).toHaveLength(2)
      expect(feed.changes.value()).toMatchObject([{ op: 'delete' }, { task: { id: kept.id } }])
    })

    test('owners with old tombstones, records or marks of a deleted account are found', async () => {
      const [deletion, record, account, reminder] = Array.from({ length: 4 }, someone)
      if (!deletion || !record || !account || !reminder) throw new Error('There are four owners.')
      const owners = [deletion, record, account, reminder]
      await remove(tasks(), await put(tasks(), deletion, 'a', { at: OLD }), OLD)
      await storeRecord(record, 'key', OLD)
      await put(tasks(), account, 'a')
      await tasks().deleteAccount(account, OLD)
      const task = await put(tasks(), reminder, { title: 'a', remind_at: OLD })
      await remindOf(tasks(), reminder, task.id, OLD)
      const reminded = (await taskOf(tasks(), reminder, task.id)) as Task
      await replace(tasks(), editTask(reminded, { title: 'A' }, LATER))

      const young = { tombstones: OLD, records: OLD, revisions: 1000 }
      for (const owner of owners) await purge(owner, young)
      const none = await expired(young)
      expect(owners.filter((owner) => none.has(owner))).toEqual([])
      const old = await expired()
      expect(owners.filter((owner) => old.has(owner))).toEqual(owners)
      expect(await tasks().expired(HORIZON, 2)).toHaveLength(2)
      expect(await purge(account)).toBe(1)
      for (const owner of owners) await purge(owner)
      const after = await expired()
      expect(owners.filter((owner) => after.has(owner))).toEqual([])
      expect(await put(tasks(), account, 'anew')).toMatchObject({ revision: 1 })
    })

    test('an owner for whom nothing is left to purge is not found, so that others are', async () => {
      const idle = Array.from({ length: 3 }, someone)
      for (const owner of idle) {
        const { id } = await put(tasks(), owner, { title: 'a', remind_at: OLD, description: 'x' })
        await remindOf(tasks(), owner, id, OLD)
        await purge(owner)
      }
      const found = await expired()
      expect(idle.filter((owner) => found.has(owner))).toEqual([])
    })
  })
}
