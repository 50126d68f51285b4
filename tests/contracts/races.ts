import { describe, expect, test } from 'bun:test'
import { editTask, newTask, type Task, type UserId } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import {
  commitOf,
  countingIds,
  LATER,
  NOON,
  put,
  removal,
  remove,
  replace,
  replacement,
  revisionOf,
  someone,
  taskOf,
  WHOLE,
} from '../support/tasks.ts'
import type { Suite } from './storage.ts'

const newId = countingIds()
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1)
const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)

export const racesContract: Suite = (opened) => {
  const tasks = () => opened().tasks

  const all = async (owner: UserId): Promise<readonly Task[]> =>
    (await tasks().list(owner, taskQuery(), WHOLE)).tasks.value()

  describe('races', () => {
    test('of commits that come together, one that fails takes no other along', async () => {
      const owner = someone()
      const there = await put(tasks(), owner, 'there')
      const outcomes = await Promise.allSettled([
        put(tasks(), owner, 'a'),
        put(tasks(), owner, 'b'),
        put(tasks(), owner, 'again', { id: there.id }),
        put(tasks(), owner, 'c'),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'fulfilled',
      ])
      const made = outcomes.flatMap((outcome) =>
        outcome.status === 'fulfilled' ? [outcome.value] : [],
      )
      expect(ascending([there, ...made].map(({ revision }) => revision))).toEqual(upTo(4))
      const byId = (a: Task, b: Task) => (a.id < b.id ? -1 : 1)
      expect((await all(owner)).toSorted(byId)).toEqual([there, ...made].sort(byId))
      expect(await revisionOf(tasks(), owner)).toBe(4)
    })

    test('each of many kinds of commits of many owners that come together is settled by itself', async () => {
      const owners = Array.from({ length: 12 }, someone)
      const record = (key: string) => ({ key, request: key, at: NOON, changes: [] })
      const prepared = await Promise.all(
        owners.map(async (owner) => {
          const task = await put(tasks(), owner, 'task')
          const stale = await put(tasks(), owner, 'stale')
          await replace(tasks(), editTask(stale, { title: 'changed' }, LATER))
          await tasks().commit(commitOf(owner, [], { idempotency: record('known') }))
          return { owner, task, stale }
        }),
      )
      const settled = await Promise.all(
        prepared.flatMap(({ owner, task, stale }) => {
          const task1 = newTask(newId(NOON), owner, { title: 'new' }, NOON)
          const create = { op: 'create', task: task1, revisionOffset: 1 } as const
          const edit = replacement(editTask(task, { title: 'edited' }, LATER))
          const commits = [
            commitOf(owner, [{ ...create, task: { ...task1, id: newId(NOON) } }], { quota: 1 }),
            commitOf(owner, [create]),
            commitOf(owner, [replacement(stale)]),
            commitOf(owner, [edit], { idempotency: record('known') }),
            commitOf(owner, [edit], { idempotency: record('new') }),
            commitOf(owner, [removal(task)]),
            commitOf(owner, [], { idempotency: record('new') }),
          ]
          return commits.map((commit) =>
            tasks()
              .commit(commit)
              .then(
                (result) => ({ owner, result: result.status as string }),
                (error) => ({ owner, result: error.kind as string }),
              ),
          )
        }),
      )
      for (const { owner, task } of prepared) {
        const results = settled.filter((each) => each.owner === owner).map(({ result }) => result)
        const [quota, create, stale, known, edit, removed, repeated] = results
        expect([quota, create, stale, known]).toEqual([
          'quota-exceeded',
          'committed',
          'conflict',
          'duplicate',
        ])
        const present = await taskOf(tasks(), owner, task.id)
        expect([edit, removed].toSorted()).toContain('committed')
        if (removed === 'committed') expect(present).toBeUndefined()
        else expect(present?.title).toBe('edited')
        // Of the two with the same new key one is stored, unless the first of them was a conflict.
        expect([edit, repeated].filter((result) => result === 'committed')).toHaveLength(1)
        expect(await tasks().idempotencyRecord(owner, 'new')).toBeDefined()
        const feed = await tasks().changes(owner, 0, 0, 100)
        expect(feed.revision).toBe(5)
        expect(feed.changes.value().map(({ revision }) => revision)).toEqual([3, 4, 5])
      }
    })

    test('50 creates at once take revisions 1 to 50', async () => {
      const owner = someone()
      const created = await Promise.all(upTo(50).map((n) => put(tasks(), owner, `task ${n}`)))
      expect(ascending(created.map(({ revision }) => revision))).toEqual(upTo(50))
      expect(await revisionOf(tasks(), owner)).toBe(50)
      expect(await all(owner)).toHaveLength(50)
    })

    test('of 50 writers that saw the same revision exactly one succeeds', async () => {
      const owner = someone()
      const task = await put(tasks(), owner, 'seen by all')
      const results = await Promise.all(
        upTo(50).map((n) =>
          n % 2
            ? remove(tasks(), task)
            : replace(tasks(), editTask(task, { title: `writer ${n}` }, LATER)),
        ),
      )
      const winners = results.filter(Boolean)
      expect(winners).toHaveLength(1)
      expect(await revisionOf(tasks(), owner)).toBe(2)
      const left = await taskOf(tasks(), owner, task.id)
      expect(left).toEqual(winners[0] === true ? undefined : (winners[0] as Task))
    })

    test('50 writers on one user, each on a task of its own, lose nothing', async () => {
      const owner = someone()
      const mine = await Promise.all(upTo(50).map((n) => put(tasks(), owner, `task ${n}`)))
      const changed = await Promise.all(
        mine.map((task, n) =>
          n % 5
            ? replace(tasks(), editTask(task, { description: task.title }, LATER))
            : remove(tasks(), task),
        ),
      )
      expect(changed.every(Boolean)).toBe(true)
      expect(await revisionOf(tasks(), owner)).toBe(100)
      const left = await all(owner)
      expect(left).toHaveLength(40)
      expect(new Set(left.map(({ revision }) => revision)).size).toBe(40)
      for (const { title, description } of left) expect(description).toBe(title)
    })

    test('50 writers that read again after a conflict lose no update', async () => {
      const owner = someone()
      const { id } = await put(tasks(), owner, { title: 'counter', description: '' })
      const append = async (): Promise<void> => {
        for (;;) {
          const task = (await taskOf(tasks(), owner, id)) as Task
          const edited = editTask(task, { description: `${task.description}x` }, LATER)
          if (await replace(tasks(), edited)) return
        }
      }
      await Promise.all(Array.from({ length: 50 }, append))
      expect(await taskOf(tasks(), owner, id)).toMatchObject({
        description: 'x'.repeat(50),
        revision: 51,
      })
    })

    test('the quota holds under 30 creates at once, and a removal makes room', async () => {
      const owner = someone()
      const results = await Promise.allSettled(
        upTo(30).map((n) => put(tasks(), owner, `task ${n}`, { quota: 10 })),
      )
      const refused = results.filter((result) => result.status === 'rejected')
      expect(refused).toHaveLength(20)
      for (const { reason } of refused) expect(reason).toMatchObject({ kind: 'quota-exceeded' })
      const mine = await all(owner)
      expect(mine).toHaveLength(10)
      expect(await revisionOf(tasks(), owner)).toBe(10)

      await remove(tasks(), mine[0] as Task)
      expect((await put(tasks(), owner, 'fits again', { quota: 10 })).revision).toBe(12)
      await expect(put(tasks(), owner, 'too many', { quota: 10 })).rejects.toMatchObject({
        kind: 'quota-exceeded',
      })
    })
  })
}
