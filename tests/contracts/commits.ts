import { describe, expect, test } from 'bun:test'
import type { Commit, CommitResult } from '../../src/application/ports.ts'
import type { Write } from '../../src/domain/changeset.ts'
import {
  editTask,
  type NewTask,
  newTask,
  type TASK_FIELDS,
  type Task,
  type UserId,
} from '../../src/domain/task.ts'
import { type TaskQueryInput, taskQuery } from '../../src/domain/task-query.ts'
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
  uuid,
  WHOLE,
} from '../support/tasks.ts'
import type { Suite } from './storage.ts'

const newId = countingIds()

/** Two values for each field. */
const VALUES: { [Name in keyof typeof TASK_FIELDS]: readonly [Task[Name], Task[Name]] } = {
  title: ['first "title"', 'second \\ title'],
  description: ['a\nb', ''],
  completed: [true, false],
  priority: ['low', 'high'],
  due_date: ['2026-02-10', '2026-03-01T10:00:00.000Z'],
  remind_at: ['2026-02-10T08:00:00.000Z', null],
}

const valuesOf = (n: 0 | 1): Pick<Task, keyof typeof TASK_FIELDS> =>
  Object.fromEntries(
    Object.entries(VALUES).map(([name, values]) => [name, values[n]]),
  ) as unknown as Pick<Task, keyof typeof TASK_FIELDS>

export const commitsContract: Suite = (opened) => {
  const tasks = () => opened().tasks

  const titles = async (owner: UserId, input: TaskQueryInput = {}): Promise<string[]> =>
    (await tasks().list(owner, taskQuery(input), WHOLE)).tasks.value().map(({ title }) => title)

  const creation = (owner: UserId, title: string, revisionOffset = 1): Write => ({
    op: 'create',
    task: newTask(newId(NOON), owner, { title }, NOON),
    revisionOffset,
  })

  describe('one write', () => {
    test('stores every field on create and on replace, and every read returns it', async () => {
      const owner = someone()
      const id = newId(NOON)
      const read = async (expected: Task): Promise<void> => {
        const text = JSON.stringify(expected)
        const [found] = await tasks().find(owner, [id])
        const stored = await tasks().get(owner, id)
        expect([stored, found].map((each) => each?.document.text())).toEqual([text, text])
        const list = await tasks().list(owner, taskQuery(), WHOLE)
        expect(list.tasks.text()).toBe(`[${text}]`)
        expect(list.last).toEqual(expected)
        const { revision } = expected
        const feed = await tasks().changes(owner, revision - 1, null, 10)
        expect(feed.changes.text()).toBe(`[{"op":"upsert","revision":${revision},"task":${text}}]`)
      }
      const times = { reminded_at: LATER, created_at: NOON, updated_at: LATER }
      const task: NewTask = { id, user_id: owner, ...valuesOf(0), ...times }
      const created = await tasks().commit(
        commitOf(owner, [{ op: 'create', task, revisionOffset: 1 }]),
      )
      expect(created.status).toBe('committed')
      await read({ ...task, revision: 1 })
      const next = {
        ...task,
        ...valuesOf(1),
        reminded_at: null,
        updated_at: '2026-02-12T12:00:00.000Z',
      }
      expect(await replace(tasks(), { ...next, revision: 1 })).toEqual({ ...next, revision: 2 })
      await read({ ...next, revision: 2 })
    })

    test('returns the version that the change was given', async () => {
      const owner = someone()
      const first = await tasks().commit(commitOf(owner, [creation(owner, 'a')]))
      const second = await tasks().commit(commitOf(owner, [creation(owner, 'b')]))
      const [current] = await tasks().versions([owner])
      const timeline = current?.version.timeline
      expect([first, second]).toMatchObject([
        { status: 'committed', baseRevision: 0, timeline, webhooks: false },
        { status: 'committed', baseRevision: 1, timeline, webhooks: false },
      ] as CommitResult[])
      expect(await tasks().commit(commitOf(owner, []))).toMatchObject({
        status: 'committed',
        baseRevision: 2,
        timeline,
      } as CommitResult)
    })

    test("an owner's id that is taken rejects, and nothing has happened", async () => {
      const owner = someone()
      const { id } = await put(tasks(), owner, 'First')
      await expect(put(tasks(), owner, 'Second', { id })).rejects.toThrow()
      expect(await titles(owner)).toEqual(['First'])
      expect(await revisionOf(tasks(), owner)).toBe(1)
    })

    test('two owners may have tasks with the same id, each their own', async () => {
      const [owner, other] = [someone(), someone()]
      const mine = await put(tasks(), owner, 'mine')
      const theirs = await put(tasks(), other, 'theirs', { id: mine.id })
      expect(await remove(tasks(), mine)).toBe(true)
      expect(await tasks().get(owner, mine.id)).toBeUndefined()
      expect(await taskOf(tasks(), other, mine.id)).toEqual(theirs)
      expect(await tasks().exists(mine.id)).toBe(true)
      expect(await remove(tasks(), theirs)).toBe(true)
      expect(await tasks().exists(mine.id)).toBe(false)
    })

    test('on a revision that is past is a conflict and takes no revision', async () => {
      const owner = someone()
      const created = await put(tasks(), owner, 'One')
      const second = await replace(tasks(), editTask(created, { title: 'Two' }, LATER))
      expect(await replace(tasks(), editTask(created, { title: 'Three' }, LATER))).toBeUndefined()
      expect(await remove(tasks(), created)).toBe(false)
      expect(await taskOf(tasks(), owner, created.id)).toEqual(second)
      expect(await revisionOf(tasks(), owner)).toBe(2)
    })

    test('remove is for good and takes a revision', async () => {
      const owner = someone()
      const created = await put(tasks(), owner, 'Gone')
      expect(await tasks().exists(created.id)).toBe(true)
      expect(await remove(tasks(), created)).toBe(true)
      expect(await remove(tasks(), created)).toBe(false)
      expect(await tasks().get(owner, created.id)).toBeUndefined()
      expect(await tasks().exists(created.id)).toBe(false)
      expect(await replace(tasks(), created)).toBeUndefined()
      expect(await titles(owner)).toEqual([])
      expect(await revisionOf(tasks(), owner)).toBe(2)
    })

    test('on a task that is not there is a conflict', async () => {
      const owner = someone()
      const created = await put(tasks(), owner, 'Here')
      const absent = { ...created, id: uuid(999_999_998) }
      expect(await replace(tasks(), absent)).toBeUndefined()
      expect(await remove(tasks(), absent)).toBe(false)
      expect(await revisionOf(tasks(), owner)).toBe(1)
    })

    test('search, order and filters follow a change', async () => {
      const owner = someone()
      await put(tasks(), owner, 'Middle')
      const task = await put(tasks(), owner, { title: 'Alpha', due_date: '2026-01-01' })
      const patch = {
        title: 'Omega',
        description: 'needle',
        completed: true,
        priority: 'low',
        due_date: null,
      } as const
      await replace(tasks(), editTask(task, patch, LATER))
      expect(await titles(owner, { sort: 'title' })).toEqual(['Middle', 'Omega'])
      expect(await titles(owner, { q: 'alpha' })).toEqual([])
      expect(await titles(owner, { q: 'NEEDLE' })).toEqual(['Omega'])
      expect(await titles(owner, { status: 'completed' })).toEqual(['Omega'])
      expect(await titles(owner, { status: 'pending' })).toEqual(['Middle'])
      expect(await titles(owner, { priority: 'low' })).toEqual(['Omega'])
      expect(await titles(owner, { due_before: '2027-01-01' })).toEqual([])
    })
  })

  describe('several writes', () => {
    test('happen together, and each takes its own revision', async () => {
      const owner = someone()
      const [checked, edited, gone] = [
        await put(tasks(), owner, 'checked'),
        await put(tasks(), owner, 'edited'),
        await put(tasks(), owner, 'gone'),
      ]
      const writes: Write[] = [
        { op: 'check', id: checked.id, baseRevision: checked.revision },
        removal(gone, 3),
        creation(owner, 'new', 1),
        replacement(editTask(edited, { title: 'edited again' }, LATER), 2),
      ]
      expect(await tasks().commit(commitOf(owner, writes))).toMatchObject({ baseRevision: 3 })
      const feed = await tasks().changes(owner, 0, 0, 10)
      expect(feed.changes.value()).toMatchObject([
        { revision: 1, task: { title: 'checked', revision: 1 } },
        { revision: 4, task: { title: 'new', revision: 4 } },
        { revision: 5, task: { title: 'edited again', revision: 5 } },
        { revision: 6, op: 'delete', id: gone.id },
      ])
      expect(await revisionOf(tasks(), owner)).toBe(6)
    })

    test('a single conflict undoes them all, wherever it stands', async () => {
      const owner = someone()
      const task = await put(tasks(), owner, 'one')
      const stale = await put(tasks(), owner, 'two')
      await replace(tasks(), editTask(stale, { title: 'two, changed' }, LATER))
      for (const bad of [
        replacement(stale, 3),
        removal(stale, 3),
        { op: 'check', id: stale.id, baseRevision: stale.revision },
      ] as const) {
        const good: Write[] = [creation(owner, 'new', 1), removal(task, 2)]
        const conflict = { status: 'conflict' } as const
        expect(await tasks().commit(commitOf(owner, [...good, bad]))).toEqual(conflict)
        expect(await tasks().commit(commitOf(owner, [bad, ...good]))).toEqual(conflict)
      }
      expect(await titles(owner, { order: 'asc' })).toEqual(['one', 'two, changed'])
      expect(await revisionOf(tasks(), owner)).toBe(3)
    })

    test('the quota counts what is there afterwards', async () => {
      const owner = someone()
      const first = await put(tasks(), owner, 'first')
      const exceeded = { kind: 'quota-exceeded' }
      const two = (user: UserId): Write[] => [creation(user, 'a', 1), creation(user, 'b', 2)]
      await expect(tasks().commit(commitOf(owner, two(owner), { quota: 2 }))).rejects.toMatchObject(
        exceeded,
      )
      const newcomer = someone()
      await expect(
        tasks().commit(commitOf(newcomer, two(newcomer), { quota: 1 })),
      ).rejects.toMatchObject(exceeded)
      expect(await revisionOf(tasks(), owner)).toBe(1)
      expect(await revisionOf(tasks(), newcomer)).toBe(0)
      const swap: Write[] = [removal(first, 1), creation(owner, 'second', 2)]
      expect(await tasks().commit(commitOf(owner, swap, { quota: 0 }))).toMatchObject({
        baseRevision: 1,
      })
      expect(await titles(owner)).toEqual(['second'])
    })

    test('the bytes of all documents are counted, and bounded when they grow', async () => {
      const [owner, newcomer] = [someone(), someone()]
      const grow = (user: UserId, bytesDelta: number, more: Partial<Commit> = {}) =>
        tasks().commit(
          commitOf(user, [creation(user, 'a')], { bytesDelta, bytesQuota: 100, ...more }),
        )
      const exceeded = { kind: 'quota-exceeded', message: expect.stringMatching(/MB/) }
      await expect(grow(newcomer, 101)).rejects.toMatchObject(exceeded)
      expect(await revisionOf(tasks(), newcomer)).toBe(0)
      await grow(owner, 60)
      const task = await put(tasks(), owner, 'b')
      const stale = removal({ ...task, revision: 99 })
      await tasks().commit(commitOf(owner, [stale], { bytesDelta: -60 }))
      await expect(grow(owner, 41)).rejects.toMatchObject(exceeded)
      const both = [creation(owner, 'c', 1), creation(owner, 'd', 2)]
      const more = { bytesDelta: 41, bytesQuota: 100 }
      await expect(tasks().commit(commitOf(owner, both, more))).rejects.toMatchObject(exceeded)
      expect(await revisionOf(tasks(), owner)).toBe(2)
      expect(await grow(owner, 40)).toMatchObject({ status: 'committed', baseRevision: 2 })
      const full = { bytesDelta: 0, bytesQuota: 1 }
      const removed = await tasks().commit(commitOf(owner, [removal(task)], full))
      expect(removed.status).toBe('committed')
      expect(await grow(owner, -70, { bytesQuota: 1 })).toMatchObject({ status: 'committed' })
      await expect(grow(owner, 71)).rejects.toMatchObject(exceeded)
      await Promise.allSettled(Array.from({ length: 10 }, () => grow(owner, 20)))
      expect(await revisionOf(tasks(), owner)).toBe(8)
      await tasks().deleteAccount(newcomer, NOON)
      await expect(grow(newcomer, 1)).rejects.toMatchObject({ kind: 'unauthenticated' })
    })

    test('100 at once, from 8 sides, lose and double nothing', async () => {
      const owner = someone()
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, side) => {
          const writes = Array.from({ length: 100 }, (__, n) =>
            creation(owner, `${side}/${n}`, n + 1),
          )
          return tasks().commit(commitOf(owner, writes))
        }),
      )
      const bases = results.map((result) => 'baseRevision' in result && result.baseRevision)
      expect(bases.map(Number).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 8 }, (_, n) => n * 100),
      )
      expect(new Set(await titles(owner)).size).toBe(800)
    })

    test("nobody else's task can be part of them", async () => {
      const [owner, other] = [someone(), someone()]
      const theirs = await put(tasks(), other, 'theirs')
      const stolen = { ...theirs, user_id: owner }
      for (const write of [
        replacement(stolen, 2),
        removal(stolen, 2),
        { op: 'check', id: theirs.id, baseRevision: theirs.revision },
      ] as const) {
        const commit = commitOf(owner, [creation(owner, 'mine', 1), write])
        expect(await tasks().commit(commit)).toEqual({ status: 'conflict' })
      }
      expect(await titles(other)).toEqual(['theirs'])
      expect(await titles(owner)).toEqual([])
    })
  })
}
