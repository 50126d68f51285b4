import { describe, expect, test } from 'bun:test'
import type { Feed } from '../../src/application/ports.ts'
import { decide, type Operation } from '../../src/domain/changeset.ts'
import { editTask, type Task, type UserId } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { linesOf } from '../support/changes.ts'
import {
  countingIds,
  foundOf,
  LATER,
  NOON,
  put,
  ROOM,
  remindOf,
  remove,
  replace,
  revisionOf,
  someone,
  taskOf,
  WHOLE,
} from '../support/tasks.ts'
import type { Suite } from './storage.ts'

export const changesContract: Suite = (opened) => {
  const tasks = () => opened().tasks
  const lines = ({ changes }: Feed): string[] => linesOf(changes.value())

  /** Decides and commits as the application does. */
  const commitAll = async (owner: UserId, operations: readonly Operation[]): Promise<void> => {
    const ids = operations.flatMap((operation) => ('id' in operation ? [operation.id] : []))
    const stored = await tasks().find(owner, [...new Set(ids)])
    const context = { owner, now: LATER, newId: countingIds() }
    const { changes: _, ...changeset } = decide(operations, foundOf(stored), context)
    const result = await tasks().commit({ ...changeset, owner, ...ROOM, at: LATER })
    expect(result.status).toBe('committed')
  }

  describe('changes', () => {
    test('come in the order of their revisions, each task once, as it is now', async () => {
      const owner = someone()
      const [first, second] = [await put(tasks(), owner, 'a'), await put(tasks(), owner, 'b')]
      const edited = await replace(tasks(), editTask(first, { title: 'a, changed' }, LATER))
      await remove(tasks(), second)
      const feed = await tasks().changes(owner, 0, 0, 10)
      expect(feed).toMatchObject({ revision: 4, compactedRevision: 0, last: 4, more: false })
      expect(feed.changes.value()).toEqual([
        { op: 'upsert', revision: 3, task: edited as Task },
        { op: 'delete', revision: 4, id: second.id },
      ])
      expect(lines(await tasks().changes(owner, 3, 3, 10))).toEqual([`4 deleted ${second.id}`])
      expect(lines(await tasks().changes(owner, 0, null, 10))).toEqual(['3 a, changed'])
      expect(lines(await tasks().changes(owner, 3, 4, 10))).toEqual([])
      const { changes, ...none } = await tasks().changes(someone(), 0, 0, 10)
      expect(changes.text()).toBe('[]')
      expect(none).toEqual({
        last: undefined,
        more: false,
        revision: 0,
        compactedRevision: 0,
        timelines: [],
      })
    })

    test('a deleted task that is imported again is there, and no longer deleted', async () => {
      const owner = someone()
      const origin = {
        id: countingIds()(NOON),
        completed: true,
        created_at: '2020-01-02T03:04:05.678Z',
        reminded_at: '2020-01-03T00:00:00.000Z',
      }
      const create = { op: 'create', draft: { title: 'a' }, origin } as const
      await commitAll(owner, [create])
      await commitAll(owner, [{ op: 'delete', id: origin.id, precondition: 'any' }])
      await commitAll(owner, [create])
      expect(await taskOf(tasks(), owner, origin.id)).toMatchObject({ ...origin, revision: 3 })
      expect(lines(await tasks().changes(owner, 0, null, 10))).toEqual(['3 a'])
      expect(lines(await tasks().changes(owner, 1, 1, 10)).at(-1)).toBe('3 a')
      expect(lines(await tasks().changes(owner, 2, 2, 10))).toEqual(['3 a'])
      await commitAll(owner, [{ op: 'delete', id: origin.id, precondition: 'any' }])
      expect(lines(await tasks().changes(owner, 0, null, 10))).toEqual([])
      expect(lines(await tasks().changes(owner, 3, 3, 10))).toEqual([`4 deleted ${origin.id}`])
    })

    test('several operations on one task in one commit take a revision each and are one change', async () => {
      const owner = someone()
      const [a, b] = [await put(tasks(), owner, 'a'), await put(tasks(), owner, 'b')]
      const toggle = { op: 'complete', id: a.id, precondition: 'any' } as const
      const edit = { op: 'update', id: b.id, patch: { title: 'B' }, precondition: 'any' } as const
      await commitAll(owner, [
        toggle,
        edit,
        toggle,
        { op: 'create', draft: { title: 'c' } },
        { op: 'delete', id: b.id, precondition: 'any' },
        { ...toggle, want: true },
      ])
      const feed = await tasks().changes(owner, 0, 0, 10)
      expect(feed.revision).toBe(8)
      expect(lines(feed)).toEqual(['6 c', `7 deleted ${b.id}`, '8 a'])
      for (const [after, expected] of [
        [2, 3],
        [5, 3],
        [6, 2],
        [7, 1],
        [8, 0],
      ] as const) {
        const rest = await tasks().changes(owner, after, after, 10)
        expect([after, rest.changes.value().length]).toEqual([after, expected])
      }
    })

    test('pages of any size add up, deletions and superseded revisions among them', async () => {
      const owner = someone()
      const all: Task[] = []
      for (let n = 0; n < 12; n++) all.push(await put(tasks(), owner, `task ${n}`))
      for (const task of all.filter((_, n) => n % 3 === 1)) await remove(tasks(), task)
      await replace(tasks(), editTask(all[0] as Task, { title: 'task 0, changed' }, LATER))
      const whole = await tasks().changes(owner, 0, 0, 100)
      expect(whole.changes.value()).toHaveLength(12)
      for (const limit of [1, 2, 3, 5, 11, 12]) {
        const found: string[] = []
        for (let after = 0, more = true; more; ) {
          const page = await tasks().changes(owner, after, after, limit)
          const changes = page.changes.value()
          expect(changes.length).toBeLessThanOrEqual(limit)
          expect(page.last).toBe(changes.at(-1)?.revision)
          found.push(...linesOf(changes))
          after = page.last ?? after
          more = page.more
        }
        expect(found).toEqual(lines(whole))
      }
    })

    test('pages of large tasks are shorter than their limit, and add up', async () => {
      const owner = someone()
      const description = '👍'.repeat(1000)
      const newId = countingIds()
      const operations = Array.from({ length: 150 }, (_, n) => {
        return { op: 'create', draft: { title: `${n}`, description } } as const
      })
      const context = { owner, now: LATER, newId }
      const { changes: _, ...changeset } = decide(operations, new Map(), context)
      await tasks().commit({ ...changeset, owner, ...ROOM, at: LATER })
      const revisions: number[] = []
      for (let after = 0, more = true; more; ) {
        const page = await tasks().changes(owner, after, after, 1000)
        expect(page.changes.text().length).toBeLessThan(300_000)
        revisions.push(...page.changes.value().map(({ revision }) => revision))
        expect(page.last).toBe(revisions.at(-1))
        after = page.last ?? 0
        more = page.more
      }
      expect(revisions).toEqual(Array.from({ length: 150 }, (__, n) => n + 1))
    })

    test('are of one user only, and say nothing of what a deleted task was', async () => {
      const [owner, other] = [someone(), someone()]
      await remove(tasks(), await put(tasks(), other, 'theirs'))
      await put(tasks(), other, 'theirs, too')
      await put(tasks(), owner, 'mine')
      expect(lines(await tasks().changes(owner, 0, 0, 10))).toEqual(['1 mine'])
      const [gone] = (await tasks().changes(other, 0, 0, 10)).changes.value()
      expect(Object.keys(gone ?? {}).sort()).toEqual(['id', 'op', 'revision'])
    })

    test('a reader among 8 writers misses none and sees none out of order', async () => {
      const owner = someone()
      const copy = new Map<string, Task>()
      let writing = true
      const reading = (async () => {
        for (let at = 0, last = false; !last; ) {
          last = !writing
          const page = await tasks().changes(owner, at, at, 7)
          for (const change of page.changes.value()) {
            expect(change.revision).toBeGreaterThan(at)
            at = change.revision
            if (change.op === 'upsert') copy.set(change.task.id, change.task)
            else copy.delete(change.id)
          }
          if (page.more) last = false
          else at = Math.max(at, page.revision)
          await Bun.sleep(0)
        }
      })()
      await Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let n = 0; n < 15; n++) {
            const task = await put(tasks(), owner, `${writer}/${n}`)
            if (n % 3 === 0) await remove(tasks(), task)
            if (n % 3 === 1) await replace(tasks(), editTask(task, { title: 'changed' }, LATER))
          }
        }),
      )
      writing = false
      await reading
      const list = await tasks().list(owner, taskQuery(), WHOLE)
      const copied = [...copy.values()].sort((a, b) => (a.id < b.id ? 1 : -1))
      expect(copied).toEqual([...list.tasks.value()])
    })

    test('belong to a timeline with a name, which other owners do not share', async () => {
      const [owner, other] = [someone(), someone()]
      await put(tasks(), owner, 'a', { at: LATER })
      await put(tasks(), other, 'b')
      const timelinesOf = async (user: UserId) => (await tasks().changes(user, 0, 0, 1)).timelines
      const before = await timelinesOf(owner)
      const name = expect.stringMatching(/^[0-9a-z]{1,32}$/)
      expect(before).toEqual([{ name, revision: 1, at: LATER }])
      await put(tasks(), owner, 'c')
      expect(await timelinesOf(owner)).toEqual(before)
      expect((await timelinesOf(other))[0]?.name).not.toBe(before[0]?.name ?? '')
      const { version } = await tasks().list(owner, taskQuery(), WHOLE)
      expect(version).toEqual({ revision: 2, timeline: before[0]?.name ?? '' })
    })

    test('reminders are found by the position after which they were sent, the last of each task', async () => {
      const owner = someone()
      const remind_at = NOON
      const a = await put(tasks(), owner, { title: 'a', remind_at })
      const b = await put(tasks(), owner, { title: 'b', remind_at })
      await put(tasks(), owner, 'never reminded of')
      expect(await tasks().remindersAfter(owner, 0)).toEqual({})
      expect(await remindOf(tasks(), owner, a.id, NOON)).toBe(true)
      expect(await remindOf(tasks(), owner, a.id, NOON)).toBe(false)
      expect(await remindOf(tasks(), owner, b.id, NOON)).toBe(true)
      expect(await tasks().remindersAfter(owner, 0)).toEqual({ [a.id]: 4, [b.id]: 5 })
      const again = (await tasks().get(owner, a.id))?.document.value() as Task
      await replace(tasks(), editTask(again, { remind_at: LATER }, LATER))
      expect(await tasks().remindersAfter(owner, 3)).toEqual({ [a.id]: 4, [b.id]: 5 })
      expect(await remindOf(tasks(), owner, a.id, LATER)).toBe(true)
      expect(await tasks().remindersAfter(owner, 3)).toEqual({ [a.id]: 7, [b.id]: 5 })
      expect(await tasks().remindersAfter(owner, 5)).toEqual({ [a.id]: 7 })
      expect(await tasks().remindersAfter(owner, 7)).toEqual({})
      expect(await tasks().remindersAfter(someone(), 0)).toEqual({})
      expect(await revisionOf(tasks(), owner)).toBe(7)
      expect(lines(await tasks().changes(owner, 3, 3, 10))).toEqual(['5 b', '7 a'])
    })
  })
}
