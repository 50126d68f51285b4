import { describe, expect, test } from 'bun:test'
import type { Feed } from '../../src/application/feed.ts'
import type { Receipt, Step, TaskStore } from '../../src/application/ports.ts'
import type { Write } from '../../src/domain/plan.ts'
import { editTask, newTask, setCompleted, type Task, type UserId } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { countingIds, NOON, put, remove, replace, revisionOf } from '../support/tasks.ts'

const LATER = '2026-02-11T12:00:00.000Z'
const newId = countingIds()

/** Of `taskStoreContract`: whole steps, receipts, and the feed that comes of them. */
export const taskChangesContract = (open: () => TaskStore, someone: () => UserId): void => {
  const step = (owner: UserId, writes: readonly Write[], more: Partial<Step> = {}) =>
    open().write({
      owner,
      writes,
      taken: Math.max(0, ...writes.map(({ nth }) => nth)),
      quota: 10_000,
      at: NOON,
      ...more,
    })

  const fresh = (owner: UserId, title: string) => newTask(newId(NOON), owner, { title }, NOON)

  const create = (owner: UserId, title: string, nth = 1): Write => ({
    op: 'create',
    task: fresh(owner, title),
    nth,
  })

  const titles = async (owner: UserId): Promise<string[]> => {
    const { tasks } = await open().list(owner, taskQuery({ order: 'asc' }), {
      limit: null,
      after: null,
    })
    return tasks.map(({ title }) => title)
  }

  /** A line for each change. */
  const told = ({ changes }: Feed): string[] =>
    changes.map((change) =>
      change.op === 'upsert'
        ? `${change.revision} ${change.task.title}`
        : `${change.revision} deleted ${change.id}`,
    )

  describe('steps of several writes', () => {
    test('happen together, and each takes its own revision', async () => {
      const owner = someone()
      const [kept, edited, gone] = [
        await put(open(), owner, 'kept'),
        await put(open(), owner, 'edited'),
        await put(open(), owner, 'gone'),
      ]
      const base = await step(owner, [
        { op: 'keep', task: kept, nth: 0 },
        { op: 'remove', task: gone, nth: 4 },
        create(owner, 'made', 1),
        { op: 'replace', task: editTask(edited, { title: 'edited twice' }, LATER), nth: 3 },
      ])
      expect(base).toBe(3)
      expect(told(await open().changes(owner, 0, 0, 10))).toEqual([
        '1 kept',
        '4 made',
        '6 edited twice',
        `7 deleted ${gone.id}`,
      ])
      expect(await revisionOf(open(), owner)).toBe(7)
    })

    test('a single one that has changed undoes them all, wherever it stands', async () => {
      const owner = someone()
      const task = await put(open(), owner, 'one')
      const stale = await put(open(), owner, 'two')
      await replace(open(), editTask(stale, { title: 'two, changed' }, LATER))
      for (const op of ['replace', 'remove', 'keep'] as const) {
        const bad: Write = { op, task: stale, nth: op === 'keep' ? 0 : 3 }
        const good: Write[] = [create(owner, 'made', 1), { op: 'remove', task, nth: 2 }]
        expect(await step(owner, [...good, bad])).toBe('changed')
        expect(await step(owner, [bad, ...good])).toBe('changed')
      }
      expect(await titles(owner)).toEqual(['one', 'two, changed'])
      expect(await revisionOf(open(), owner)).toBe(3)
    })

    test('the quota counts what is there afterwards', async () => {
      const owner = someone()
      const first = await put(open(), owner, 'first')
      const swap: Write[] = [{ op: 'remove', task: first, nth: 1 }, create(owner, 'second', 2)]
      await expect(
        step(owner, [create(owner, 'a', 1), create(owner, 'b', 2)], { quota: 2 }),
      ).rejects.toMatchObject({ kind: 'quota-exceeded' })
      await expect(
        step(someone(), [create(owner, 'a', 1), create(owner, 'b', 2)], { quota: 1 }),
      ).rejects.toMatchObject({ kind: 'quota-exceeded' })
      expect(await revisionOf(open(), owner)).toBe(1)
      expect(await step(owner, swap, { quota: 1 })).toBe(1)
      expect(await titles(owner)).toEqual(['second'])
    })

    test('100 at once, from 8 sides, lose and double nothing', async () => {
      const owner = someone()
      const sizes = await Promise.all(
        Array.from({ length: 8 }, async (_, side) => {
          const writes = Array.from({ length: 100 }, (__, n) =>
            create(owner, `${side}/${n}`, n + 1),
          )
          return step(owner, writes)
        }),
      )
      expect(sizes.map(Number).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 8 }, (_, n) => n * 100),
      )
      expect(new Set(await titles(owner)).size).toBe(800)
    })

    test("nobody else's task can be part of it", async () => {
      const [owner, other] = [someone(), someone()]
      const theirs = await put(open(), other, 'theirs')
      for (const op of ['replace', 'remove', 'keep'] as const) {
        const write: Write = { op, task: { ...theirs, user_id: owner }, nth: 1 }
        expect(await step(owner, [create(owner, 'mine', 2), write])).toBe('changed')
      }
      expect(await titles(other)).toEqual(['theirs'])
    })
  })

  describe('receipts', () => {
    const receiptOf = (task: Task | ReturnType<typeof fresh>, key: string): Receipt => ({
      key,
      request: `request of ${key}`,
      changes: [
        { nth: 1, change: { op: 'upsert', revision: 0, task: { ...task, revision: 0 } } },
        { nth: 2, change: { op: 'delete', revision: 0, id: task.id } },
      ],
    })

    test('are stored with what they are for, and given back as they were', async () => {
      const owner = someone()
      await put(open(), owner, 'before')
      const task = fresh(owner, 'with "quotes", \u2028 and 👩‍👩‍👧‍👦')
      const receipt = receiptOf(task, 'key-1')
      expect(await step(owner, [{ op: 'create', task, nth: 1 }], { receipt })).toBe(1)
      expect(await open().receipt(owner, 'key-1')).toMatchObject({ ...receipt, base: 1 })
      expect(await open().receipt(owner, 'key-2')).toBeUndefined()
      expect(await open().receipt(owner, 'KEY-1')).toBeUndefined()
    })

    test('a key that is there lets nothing happen', async () => {
      const owner = someone()
      const task = await put(open(), owner, 'task')
      const receipt = receiptOf(task, 'key')
      const edit = (title: string): Write => ({
        op: 'replace',
        task: editTask(task, { title }, LATER),
        nth: 1,
      })
      expect(await step(owner, [edit('once')], { receipt })).toBe(1)
      const now = await open().get(owner, task.id)
      for (const writes of [
        [create(owner, 'twice')],
        [{ op: 'remove', task: now as Task, nth: 1 } as const],
        [create(owner, 'a', 1), create(owner, 'b', 2)],
        [],
      ]) {
        expect(await step(owner, writes, { receipt })).toBe('repeated')
      }
      expect(await titles(owner)).toEqual(['once'])
      expect(await revisionOf(open(), owner)).toBe(2)
    })

    test('a step that does not happen leaves none', async () => {
      const owner = someone()
      const task = await put(open(), owner, 'task')
      await replace(open(), editTask(task, { title: 'changed' }, LATER))
      const receipt = receiptOf(task, 'key')
      expect(await step(owner, [{ op: 'keep', task, nth: 0 }], { receipt })).toBe('changed')
      await expect(step(owner, [create(owner, 'x')], { receipt, quota: 1 })).rejects.toMatchObject({
        kind: 'quota-exceeded',
      })
      expect(await open().receipt(owner, 'key')).toBeUndefined()
    })

    test('a step that changes nothing leaves one, and takes no revision', async () => {
      const owner = someone()
      const task = await put(open(), owner, 'task')
      const receipt = receiptOf(task, 'key')
      expect(await step(owner, [{ op: 'keep', task, nth: 0 }], { receipt })).toBe(1)
      expect(await open().receipt(owner, 'key')).toMatchObject({ base: 1 })
      expect(await revisionOf(open(), owner)).toBe(1)
    })

    test('of 100 steps with one key exactly one happens; other users have their own', async () => {
      const [owner, other] = [someone(), someone()]
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) => {
          const write = create(n % 2 ? owner : other, `try ${n}`)
          const receipt = receiptOf(write.task, 'same key')
          return step(n % 2 ? owner : other, [write], { receipt })
        }),
      )
      expect(outcomes.filter((outcome) => outcome === 0)).toHaveLength(2)
      expect(outcomes.filter((outcome) => outcome === 'repeated')).toHaveLength(98)
      for (const user of [owner, other]) {
        expect(await titles(user)).toHaveLength(1)
        expect(await revisionOf(open(), user)).toBe(1)
      }
    })
  })

  describe('changes', () => {
    test('come in the order of their revisions, each task once, as it is now', async () => {
      const owner = someone()
      const [first, second] = [await put(open(), owner, 'a'), await put(open(), owner, 'b')]
      const edited = await replace(open(), editTask(first, { title: 'a, changed' }, LATER))
      await remove(open(), second)
      const feed = await open().changes(owner, 0, 0, 10)
      expect(feed).toMatchObject({ revision: 4, purged: 0, more: false })
      expect(feed.changes).toEqual([
        { op: 'upsert', revision: 3, task: edited as Task },
        { op: 'delete', revision: 4, id: second.id },
      ])
      expect(told(await open().changes(owner, 3, 3, 10))).toEqual([`4 deleted ${second.id}`])
      expect(told(await open().changes(owner, 0, null, 10))).toEqual(['3 a, changed'])
      expect(told(await open().changes(owner, 3, 4, 10))).toEqual([])
      expect(await open().changes('nobody at all', 0, 0, 10)).toEqual({
        changes: [],
        json: '[]',
        last: undefined,
        more: false,
        revision: 0,
        purged: 0,
        marks: [],
        reminded: {},
      })
    })

    test('pages of any size add up, deletions among them', async () => {
      const owner = someone()
      const all: Task[] = []
      for (let n = 0; n < 12; n++) all.push(await put(open(), owner, `task ${n}`))
      for (const task of all.filter((_, n) => n % 3 === 1)) await remove(open(), task)
      await replace(open(), editTask(all[0] as Task, { title: 'task 0, changed' }, LATER))
      const whole = await open().changes(owner, 0, 0, 100)
      expect(whole.changes).toHaveLength(12)
      for (const limit of [1, 2, 3, 5, 11, 12]) {
        const lines: string[] = []
        for (let after = 0, more = true; more; ) {
          const page = await open().changes(owner, after, after, limit)
          expect(page.changes.length).toBeLessThanOrEqual(limit)
          expect(JSON.parse(page.json)).toEqual(page.changes)
          expect(page.last).toBe(page.changes.at(-1)?.revision)
          lines.push(...told(page))
          after = page.last ?? after
          more = page.more
        }
        expect(lines).toEqual(told(whole))
      }
    })

    test('are of one user only, and tell nothing of who a deleted task was', async () => {
      const [owner, other] = [someone(), someone()]
      await remove(open(), await put(open(), other, 'theirs'))
      await put(open(), other, 'theirs, too')
      await put(open(), owner, 'mine')
      const { changes } = await open().changes(owner, 0, 0, 10)
      expect(changes).toHaveLength(1)
      const [gone] = (await open().changes(other, 0, 0, 10)).changes
      expect(Object.keys(gone ?? {}).sort()).toEqual(['id', 'op', 'revision'])
    })

    test('a reader among 8 writers misses none and sees none out of order', async () => {
      const owner = someone()
      const copy = new Map<string, Task>()
      let writing = true
      const reading = (async () => {
        for (let at = 0, last = false; !last; ) {
          last = !writing
          const page = await open().changes(owner, at, at, 7)
          for (const change of page.changes) {
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
            const task = await put(open(), owner, `${writer}/${n}`)
            if (n % 3 === 0) await remove(open(), task)
            if (n % 3 === 1) await replace(open(), editTask(task, { title: 'changed' }, LATER))
          }
        }),
      )
      writing = false
      await reading
      const { tasks } = await open().list(owner, taskQuery(), { limit: null, after: null })
      expect([...copy.values()].sort((a, b) => (a.id < b.id ? 1 : -1))).toEqual([...tasks])
    })

    test('belong to a history with a name, which goes with the owner', async () => {
      const [owner, other] = [someone(), someone()]
      await put(open(), owner, 'a')
      await put(open(), other, 'b')
      const marksOf = async (user: UserId) => (await open().changes(user, 0, 0, 10)).marks
      const before = await marksOf(owner)
      expect(before).toEqual([{ revision: 1, history: expect.stringMatching(/^[0-9a-z]{1,32}$/) }])
      await put(open(), owner, 'c')
      expect(await marksOf(owner)).toEqual(before)
      expect(await marksOf(other)).not.toEqual(before)
      await open().removeOwner(owner)
      await put(open(), owner, 'a')
      expect(await marksOf(owner)).not.toEqual(before)
    })
  })

  describe('reminders', () => {
    const at = (time: string) => `2027-03-0${time}:00.000Z`
    const armed = (owner: UserId, title: string, remind_at: string) =>
      put(open(), owner, { title, remind_at })
    const all = (owner: UserId) => open().changes(owner, 0, 0, 1000)

    test('are given once, when their time has come, as a change like any other', async () => {
      const owner = someone()
      const due = await armed(owner, 'due', at('1T09:00'))
      await armed(owner, 'later', at('1T09:01'))
      await put(open(), owner, 'never')
      while ((await open().remind('2027-01-01T00:00:00.000Z', 100)).length > 0) {}
      expect(await open().remind(at('1T08:59'), 10)).toEqual([])
      expect(await open().remind(at('1T09:00'), 10)).toEqual([{ owner, revision: 4 }])
      const now = { reminded_at: at('1T09:00'), updated_at: at('1T09:00'), revision: 4 }
      expect(await open().get(owner, due.id)).toEqual({ ...due, ...now })
      expect(told(await open().changes(owner, 3, 3, 10))).toEqual(['4 due'])
      expect(await open().remind(at('1T09:00'), 10)).toEqual([])
      expect(await open().remind(at('1T09:05'), 10)).toEqual([{ owner, revision: 5 }])
      expect(await open().remind(at('9T09:05'), 10)).toEqual([])
    })

    test('are not of completed and deleted tasks, and again of those whose time was moved', async () => {
      const owner = someone()
      const [done, gone, moved] = [
        await armed(owner, 'done', at('2T09:00')),
        await armed(owner, 'gone', at('2T09:00')),
        await armed(owner, 'moved', at('2T08:00')),
      ]
      await replace(open(), setCompleted(done, true, NOON))
      await remove(open(), gone)
      expect(await open().remind(at('2T09:00'), 10)).toEqual([{ owner, revision: 6 }])
      const reminded = (await open().get(owner, moved.id)) as Task
      expect(reminded.reminded_at).toBe(at('2T09:00'))
      const later = editTask(reminded, { remind_at: at('2T10:00') }, LATER)
      await replace(open(), later)
      expect(await open().remind(at('2T09:30'), 10)).toEqual([])
      expect(await open().remind(at('2T10:00'), 10)).toEqual([{ owner, revision: 8 }])
      expect(await open().get(owner, done.id)).toMatchObject({ reminded_at: null, revision: 4 })
    })

    test('of many tasks of many users at once take a revision each, so many at a time', async () => {
      const owners = [someone(), someone(), someone()]
      for (const owner of owners) {
        for (let n = 0; n < 5; n++) await armed(owner, `task ${n}`, at('3T09:00'))
      }
      const revisions: number[] = []
      for (const size of [4, 4, 4, 4]) {
        const reminded = await open().remind(at('3T09:00'), size)
        expect(reminded.length).toBeLessThanOrEqual(3)
        revisions.push(...reminded.map(({ revision }) => revision))
      }
      expect(await open().remind(at('3T09:00'), 4)).toEqual([])
      for (const owner of owners) {
        const { changes, revision } = await all(owner)
        expect(revision).toBe(10)
        expect(changes.map((change) => change.revision)).toEqual([6, 7, 8, 9, 10])
      }
      expect(Math.max(...revisions)).toBe(10)
    })

    test('by several at once, among writers, are given once each and lose no change', async () => {
      const owners = Array.from({ length: 4 }, someone)
      for (const owner of owners) {
        for (let n = 0; n < 20; n++) await armed(owner, `task ${n}`, at('4T09:00'))
      }
      const remind = async (): Promise<void> => {
        for (let idle = 0; idle < 3; ) {
          const reminded = await open().remind(at('4T09:00'), 7)
          idle = reminded.length === 0 ? idle + 1 : 0
        }
      }
      const write = async (owner: UserId): Promise<void> => {
        for (let n = 0; n < 10; n++) await put(open(), owner, `new ${n}`)
      }
      await Promise.all([remind(), remind(), remind(), ...owners.map(write)])
      for (const owner of owners) {
        const { changes, revision } = await all(owner)
        expect(revision).toBe(20 + 20 + 10)
        const reminded = changes.filter(
          (change) => change.op === 'upsert' && change.task.reminded_at !== null,
        )
        expect(reminded).toHaveLength(20)
        expect(new Set(changes.map((change) => change.revision)).size).toBe(30)
      }
    })

    test('begin a history for an owner like any other change', async () => {
      const owner = someone()
      await armed(owner, 'due', at('5T09:00'))
      const { marks } = await all(owner)
      await open().remind(at('5T09:00'), 10)
      expect((await all(owner)).marks).toEqual(marks)
    })
  })

  test('the revisions of many owners come at once', async () => {
    const owners = Array.from({ length: 5 }, someone)
    for (const [n, owner] of owners.entries()) {
      for (let m = 0; m < n; m++) await put(open(), owner, 'x')
    }
    const odd = ["'", '"', '{}', '\\'].map((end) => `nobody${end}`)
    const found = await open().revisions([...owners, ...odd])
    expect(found.sort((a, b) => a.revision - b.revision)).toEqual(
      owners.slice(1).map((owner, n) => ({ owner, revision: n + 1 })),
    )
    expect(await open().revisions([])).toEqual([])
  })

  test('several tasks are found at once, those of others left out', async () => {
    const [owner, other] = [someone(), someone()]
    const mine = [await put(open(), owner, 'a'), await put(open(), owner, 'b')]
    const theirs = await put(open(), other, 'c')
    const ids = [...mine, theirs, fresh(owner, 'nowhere')].map(({ id }) => id)
    const found = await open().find(owner, ids)
    expect(found.sort((a, b) => a.revision - b.revision)).toEqual(mine)
    expect(await open().find(owner, [])).toEqual([])
  })

  describe('what is forgotten', () => {
    /** Runs until nothing is left to forget. */
    const purge = async (deletions: string, receipts: string): Promise<number> => {
      for (let all = 0; ; ) {
        const some = await open().purge(deletions, receipts, 2)
        expect(some).toBeLessThanOrEqual(4)
        if (some === 0) return all
        all += some
      }
    }

    test('are deletions and receipts from before a time, noted as such, and nothing else', async () => {
      const owner = someone()
      await purge(LATER, LATER)
      const old = [await put(open(), owner, 'a'), await put(open(), owner, 'b')]
      const young = await put(open(), owner, 'c')
      await put(open(), owner, 'stays')
      for (const task of old) await remove(open(), task, '2026-01-01T00:00:00.000Z')
      await remove(open(), young, NOON)
      for (const [key, at] of [
        ['old 1', '2026-01-01T00:00:00.000Z'],
        ['old 2', '2026-01-02T00:00:00.000Z'],
        ['old 3', '2026-01-03T00:00:00.000Z'],
        ['young', NOON],
      ] as const) {
        await step(owner, [], { at, receipt: { key, request: '', changes: [] } })
      }
      expect(await purge(NOON, NOON)).toBe(5)
      const feed = await open().changes(owner, 0, 0, 10)
      expect(told(feed)).toEqual(['4 stays', `7 deleted ${young.id}`])
      expect(feed).toMatchObject({ revision: 7, purged: 6 })
      expect(await open().receipt(owner, 'old 1')).toBeUndefined()
      expect(await open().receipt(owner, 'young')).toBeDefined()
      expect(await titles(owner)).toEqual(['stays'])
    })

    test('is everything of an owner who is removed', async () => {
      const owner = someone()
      await remove(open(), await put(open(), owner, 'a'))
      await step(owner, [create(owner, 'b')], { receipt: { key: 'k', request: '', changes: [] } })
      await open().removeOwner(owner)
      expect(await open().receipt(owner, 'k')).toBeUndefined()
      expect(await open().changes(owner, 0, 0, 10)).toMatchObject({ changes: [], revision: 0 })
      expect(await put(open(), owner, 'c')).toMatchObject({ revision: 1 })
    })
  })
}
