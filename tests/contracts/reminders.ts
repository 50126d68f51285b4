import { describe, expect, test } from 'bun:test'
import { later } from '../../src/domain/due-date.ts'
import {
  editTask,
  isDueToRemind,
  setCompleted,
  type Task,
  type UserId,
} from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import {
  LATER,
  NOON,
  put,
  remindOf,
  remove,
  replace,
  someone,
  taskOf,
  WHOLE,
} from '../support/tasks.ts'
import type { Suite } from './storage.ts'

export const remindersContract: Suite = (opened) => {
  const tasks = () => opened().tasks

  /** Earlier than those of every other test, so that they come first. */
  const early = (day: number): string => `1971-01-0${day}T09:00:00.000Z`

  const remindersOf = async (owners: readonly UserId[]) =>
    (await tasks().reminders(100_000)).filter(({ owner }) => owners.includes(owner))

  const removeAll = async (owners: readonly UserId[]): Promise<void> => {
    for (const owner of owners) {
      const { tasks: all } = await tasks().list(owner, taskQuery(), WHOLE)
      for (const task of all.value()) await remove(tasks(), task)
    }
  }

  describe('reminders', () => {
    test('come soonest first, due or not, of all owners, so many at a time', async () => {
      const [owner, other] = [someone(), someone()]
      const third = await put(tasks(), owner, { title: 'third', remind_at: early(3) })
      const first = await put(tasks(), other, { title: 'first', remind_at: early(1) })
      const second = await put(tasks(), owner, { title: 'second', remind_at: early(2) })
      await put(tasks(), owner, { title: 'last', remind_at: '9999-12-31T23:59:59.999Z' })
      await put(tasks(), owner, 'never')
      const expected = [
        { owner: other, id: first.id, at: early(1) },
        { owner, id: second.id, at: early(2) },
        { owner, id: third.id, at: early(3) },
      ]
      expect(await tasks().reminders(3)).toEqual(expected)
      expect(await tasks().reminders(2)).toEqual(expected.slice(0, 2))
      expect(await remindersOf([owner])).toHaveLength(3)
      await removeAll([owner, other])
      expect(await remindersOf([owner, other])).toEqual([])
    })

    test('a reminder that was sent is a change of its task, and is not there any more', async () => {
      const owner = someone()
      const task = await put(tasks(), owner, { title: 'due', remind_at: early(1) })
      expect(await remindOf(tasks(), owner, task.id, early(2))).toBe(true)
      const reminded = { ...task, reminded_at: early(2), updated_at: early(2), revision: 2 }
      expect(await taskOf(tasks(), owner, task.id)).toEqual(reminded)
      expect(await remindersOf([owner])).toEqual([])
      const { changes } = await tasks().changes(owner, 1, 1, 10)
      expect(changes.value()).toEqual([{ op: 'upsert', revision: 2, task: reminded }])
    })

    test('are not of completed and deleted tasks, and again of those whose time was moved', async () => {
      const owner = someone()
      const [done, gone, moved] = [
        await put(tasks(), owner, { title: 'done', remind_at: early(2) }),
        await put(tasks(), owner, { title: 'gone', remind_at: early(2) }),
        await put(tasks(), owner, { title: 'moved', remind_at: early(2) }),
      ]
      const completed = (await replace(tasks(), setCompleted(done, true, NOON))) as Task
      await remove(tasks(), gone)
      expect(await remindersOf([owner])).toEqual([{ owner, id: moved.id, at: early(2) }])
      await remindOf(tasks(), owner, moved.id, early(2))
      const reminded = (await taskOf(tasks(), owner, moved.id)) as Task
      await replace(tasks(), editTask(reminded, { remind_at: early(4) }, LATER))
      await replace(tasks(), setCompleted(completed, false, LATER))
      expect(await remindersOf([owner])).toEqual([
        { owner, id: done.id, at: early(2) },
        { owner, id: moved.id, at: early(4) },
      ])
      await removeAll([owner])
    })

    test("of any tasks are those that the domain's rule names, at any time", async () => {
      const owners = [someone(), someone(), someone()]
      let seed = 7
      const random = (below: number): number => {
        seed = (seed * 48_271) % 2_147_483_647
        return seed % below
      }
      const time = (): string => later(NOON, (random(20) - 10) * 60_000)
      for (const owner of owners) {
        for (let n = 0; n < 40; n++) {
          const remind_at = random(3) > 0 ? time() : null
          let task = await put(tasks(), owner, { title: `${n}`, remind_at })
          for (let change = random(4); change > 0; change--) {
            const kind = random(4)
            const next: Task =
              kind === 0
                ? setCompleted(task, !task.completed, LATER)
                : kind === 1
                  ? { ...task, reminded_at: task.reminded_at === null ? time() : null }
                  : editTask(task, { remind_at: kind === 2 ? time() : null }, LATER)
            task = (await replace(tasks(), next)) ?? task
          }
        }
      }
      const reminders = await remindersOf(owners)
      expect(reminders.length).toBeGreaterThan(20)
      const times = reminders.map(({ at }) => at)
      expect(times).toEqual(times.toSorted())
      const stored = await Promise.all(
        owners.map(async (owner) => (await tasks().list(owner, taskQuery(), WHOLE)).tasks.value()),
      )
      for (let minute = -11; minute <= 11; minute++) {
        const now = later(NOON, minute * 60_000)
        const due = stored.flat().filter((task) => isDueToRemind(task, now))
        const found = reminders.filter(({ at }) => at <= now)
        expect(found.map(({ id }) => id).sort()).toEqual(due.map(({ id }) => id).sort())
      }
    })

    test('sent by several at once, among writers, are sent once each and lose no change', async () => {
      const owners = Array.from({ length: 4 }, someone)
      for (const owner of owners) {
        for (let n = 0; n < 20; n++) {
          await put(tasks(), owner, { title: `${n}`, remind_at: early(5) })
        }
      }
      const sendAll = async (): Promise<number> => {
        let sent = 0
        for (;;) {
          const due = await remindersOf(owners)
          if (due.length === 0) return sent
          for (const { owner, id } of due) {
            if (await remindOf(tasks(), owner, id, early(5))) sent++
          }
        }
      }
      const write = async (owner: UserId): Promise<void> => {
        for (let n = 0; n < 10; n++) await put(tasks(), owner, `new ${n}`)
      }
      const [a, b, c] = await Promise.all([sendAll(), sendAll(), sendAll(), ...owners.map(write)])
      expect((a ?? 0) + (b ?? 0) + (c ?? 0)).toBe(80)
      for (const owner of owners) {
        const feed = await tasks().changes(owner, 0, 0, 1000)
        expect(feed.revision).toBe(20 + 20 + 10)
        expect(feed.changes.value()).toHaveLength(30)
        expect(Object.keys(await tasks().remindersAfter(owner, 0))).toHaveLength(20)
      }
    })
  })
}
