import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskStore } from '../../src/application/ports.ts'
import { editTask, setCompleted, type Task, type UserId } from '../../src/domain/task.ts'
import {
  positionOf,
  type TaskQuery,
  type TaskQueryInput,
  taskQuery,
} from '../../src/domain/task-query.ts'
import { NOON, put, remove, replace, revisionOf, uuid } from '../support/tasks.ts'
import { taskChangesContract } from './task-changes.ts'

const LATER = '2026-02-11T12:00:00.000Z'
const WHOLE = { limit: null, after: null }

type Opened = { tasks: TaskStore; close(): unknown }

/**
 * What every storage must do. `open` gives an empty one; `close` is called when the suite has ended.
 * Run it in a test file of your adapter: `taskStoreContract('mine', () => openMine())`.
 */
export const taskStoreContract = (name: string, open: () => Opened | Promise<Opened>): void => {
  describe(`TaskStore contract: ${name}`, () => {
    let opened: Opened
    let tasks: TaskStore
    let count = 0
    const someone = (): UserId => `user-${++count}`

    beforeAll(async () => {
      opened = await open()
      tasks = opened.tasks
      await tasks.ready()
    })
    afterAll(() => opened?.close())

    const titles = async (
      owner: UserId,
      input: TaskQueryInput = {},
      page: { limit: number | null; after: { key: string; id: string } | null } = WHOLE,
    ): Promise<string[]> =>
      (await tasks.list(owner, taskQuery(input), page)).tasks.map(({ title }) => title)

    /** Follows the pages to their end. */
    const pages = async (owner: UserId, query: TaskQuery, limit: number): Promise<Task[]> => {
      const all: Task[] = []
      for (;;) {
        const last = all.at(-1)
        const after = last ? positionOf(last, query) : null
        const page = await tasks.list(owner, query, { limit, after })
        expect(page.tasks.length).toBeLessThanOrEqual(limit)
        all.push(...page.tasks)
        if (!page.more) return all
        expect(page.tasks).toHaveLength(limit)
      }
    }

    describe('create and get', () => {
      test('gives back every field as it was stored', async () => {
        const owner = someone()
        const full = await put(tasks, owner, {
          title: 'Pay rent',
          description: '',
          priority: 'high',
          due_date: '2026-02-10T09:00:00+01:00',
          remind_at: '2026-02-10T08:45:00+01:00',
        })
        const bare = await put(tasks, owner, 'Bare')
        expect(full).toEqual({
          id: full.id,
          user_id: owner,
          title: 'Pay rent',
          description: '',
          completed: false,
          priority: 'high',
          due_date: '2026-02-10T08:00:00.000Z',
          remind_at: '2026-02-10T07:45:00.000Z',
          reminded_at: null,
          created_at: NOON,
          updated_at: NOON,
          revision: 1,
        })
        expect(bare).toMatchObject({
          description: null,
          priority: null,
          due_date: null,
          revision: 2,
        })
        expect(await tasks.get(owner, full.id)).toEqual(full)
        expect(await tasks.get(owner, bare.id)).toEqual(bare)
        expect(await tasks.get(owner, uuid(999_999_999))).toBeUndefined()
      })

      test('keeps an all-day date as a date', async () => {
        const owner = someone()
        const { id } = await put(tasks, owner, { title: 'Tax', due_date: '2026-02-10' })
        expect(await tasks.get(owner, id)).toMatchObject({ due_date: '2026-02-10' })
      })

      test.each([
        ['emoji', '👩‍👩‍👧‍👦 family 🏳️‍🌈'],
        ['combining marks', 'e\u0301 and \u00e9, Z\u0351\u036b\u0343'],
        ['right to left', 'שלום \u202eabc\u202c مرحبا'],
        ['line separators', 'a\u2028b\u2029c\r\nd\te'],
        ['quotes and escapes', `'; drop table tasks; -- "\\x $1 ?1 %s {}`],
        ['noncharacters', '\ufffe \uffff \u{10ffff} \u0001'],
        ['longest', '𝄞'.repeat(200)],
        ['hardest to index', '\u{1d160}'.repeat(200)],
      ])('keeps text verbatim: %s', async (_, title) => {
        const owner = someone()
        const created = await put(tasks, owner, { title, description: title })
        expect(created.title).toBe(title)
        const read = await tasks.get(owner, created.id)
        expect([read?.title, read?.description]).toEqual([title, title])
        expect(await titles(owner)).toEqual([title])
      })

      test('returns copies: what a caller does with one changes nothing stored', async () => {
        const owner = someone()
        const created = await put(tasks, owner, 'Original')
        for (const copy of [
          created,
          await tasks.get(owner, created.id),
          (await tasks.list(owner, taskQuery(), WHOLE)).tasks[0],
        ]) {
          Object.assign(copy ?? {}, { title: 'Changed by the caller', revision: 99 })
        }
        expect(await tasks.get(owner, created.id)).toMatchObject({ title: 'Original', revision: 1 })
      })

      test('an id that is taken is refused, and nothing has happened', async () => {
        const [owner, other] = [someone(), someone()]
        const { id } = await put(tasks, owner, 'First')
        for (const user of [owner, other]) {
          await expect(put(tasks, user, 'Second', { id })).rejects.toThrow()
        }
        expect(await titles(owner)).toEqual(['First'])
        expect(await revisionOf(tasks, owner)).toBe(1)
        expect(await revisionOf(tasks, other)).toBe(0)
      })
    })

    describe('replace and remove', () => {
      test('a replaced task takes the next revision and keeps when it was created', async () => {
        const owner = someone()
        const created = await put(tasks, owner, { title: 'Draft', priority: 'low' })
        const patch = {
          title: 'Final',
          description: 'all of it',
          completed: true,
          priority: null,
          due_date: '2026-02-12',
        }
        const edited = editTask(created, patch, LATER)
        await replace(tasks, { ...edited, created_at: LATER })
        expect(await tasks.get(owner, created.id)).toEqual({
          ...created,
          ...patch,
          updated_at: LATER,
          revision: 2,
        })
      })

      test('a stale one is refused and takes no revision', async () => {
        const owner = someone()
        const created = await put(tasks, owner, 'One')
        const second = await replace(tasks, editTask(created, { title: 'Two' }, LATER))
        expect(await replace(tasks, editTask(created, { title: 'Three' }, LATER))).toBeUndefined()
        expect(await remove(tasks, created)).toBe(false)
        expect(await tasks.get(owner, created.id)).toEqual(second as Task)
        expect(await revisionOf(tasks, owner)).toBe(2)
      })

      test('remove is for good and takes a revision', async () => {
        const owner = someone()
        const created = await put(tasks, owner, 'Gone')
        expect(await tasks.exists(created.id)).toBe(true)
        expect(await remove(tasks, created)).toBe(true)
        expect(await remove(tasks, created)).toBe(false)
        expect(await tasks.get(owner, created.id)).toBeUndefined()
        expect(await tasks.exists(created.id)).toBe(false)
        expect(await replace(tasks, created)).toBeUndefined()
        expect(await titles(owner)).toEqual([])
        expect(await revisionOf(tasks, owner)).toBe(2)
      })

      test('neither touches a task that is not there', async () => {
        const owner = someone()
        const created = await put(tasks, owner, 'Here')
        const absent = { ...created, id: uuid(999_999_998) }
        expect(await replace(tasks, absent)).toBeUndefined()
        expect(await remove(tasks, absent)).toBe(false)
        expect(await revisionOf(tasks, owner)).toBe(1)
      })

      test('an owner is removed with everything, and nobody else is touched', async () => {
        const [owner, other] = [someone(), someone()]
        const mine = [await put(tasks, owner, 'a'), await put(tasks, owner, 'b')]
        const theirs = await put(tasks, other, 'theirs')
        for (const _ of ['removed', 'and not there any more']) {
          await tasks.removeOwner(owner)
          expect(await titles(owner)).toEqual([])
          expect(await revisionOf(tasks, owner)).toBe(0)
          for (const { id } of mine) expect(await tasks.exists(id)).toBe(false)
        }
        expect(await tasks.get(other, theirs.id)).toEqual(theirs)
        expect(await revisionOf(tasks, other)).toBe(1)
        expect(await put(tasks, owner, 'anew', { quota: 1 })).toMatchObject({ revision: 1 })
      })

      test('a removal among writes leaves an owner that can go on', async () => {
        const owner = someone()
        for (let round = 0; round < 10; round++) {
          const kept = await put(tasks, owner, 'before')
          await Promise.all([
            put(tasks, owner, 'meanwhile'),
            replace(tasks, editTask(kept, { title: 'changed meanwhile' }, LATER)),
            tasks.removeOwner(owner),
            put(tasks, owner, 'meanwhile, too'),
          ])
          const { tasks: left, revision } = await tasks.list(owner, taskQuery(), WHOLE)
          for (const task of left) expect(task.revision).toBeLessThanOrEqual(revision)
          expect(await put(tasks, owner, 'after')).toMatchObject({ revision: revision + 1 })
        }
      })

      test('search, order and filters follow a change', async () => {
        const owner = someone()
        await put(tasks, owner, 'Middle')
        const task = await put(tasks, owner, { title: 'Alpha', due_date: '2026-01-01' })
        const patch = { title: 'Omega', description: 'needle', completed: true, due_date: null }
        await replace(tasks, editTask(task, patch, LATER))
        expect(await titles(owner, { sort: 'title' })).toEqual(['Middle', 'Omega'])
        expect(await titles(owner, { q: 'alpha' })).toEqual([])
        expect(await titles(owner, { q: 'NEEDLE' })).toEqual(['Omega'])
        expect(await titles(owner, { status: 'completed' })).toEqual(['Omega'])
        expect(await titles(owner, { status: 'pending' })).toEqual(['Middle'])
        expect(await titles(owner, { due_before: '2027-01-01' })).toEqual([])
      })
    })

    describe('list', () => {
      test('newest first unless asked otherwise, and empty for a stranger', async () => {
        const owner = someone()
        for (const title of ['first', 'second', 'third']) await put(tasks, owner, title)
        expect(await titles(owner)).toEqual(['third', 'second', 'first'])
        expect(await titles(owner, { order: 'asc' })).toEqual(['first', 'second', 'third'])
        expect(await tasks.list('nobody', taskQuery(), WHOLE)).toMatchObject({
          tasks: [],
          json: '[]',
          last: undefined,
          more: false,
          revision: 0,
        })
      })

      test('titles sort without case and accents, ties by id in the same direction', async () => {
        const owner = someone()
        const given = [
          'Zebra',
          'apple',
          'eclair 1',
          'Éclair 2',
          'ECLAIR 3',
          'Äpfel',
          'éclair 1',
          '_x',
          '10',
        ]
        for (const title of given) await put(tasks, owner, title)
        const sorted = [
          '10',
          '_x',
          'Äpfel',
          'apple',
          'eclair 1',
          'éclair 1',
          'Éclair 2',
          'ECLAIR 3',
          'Zebra',
        ]
        expect(await titles(owner, { sort: 'title' })).toEqual(sorted)
        expect(await titles(owner, { sort: 'title', order: 'desc' })).toEqual(sorted.toReversed())
      })

      test('titles beyond the basic plane sort by code point', async () => {
        const owner = someone()
        for (const title of ['\u{1f600}', '\uff5e', '\ufffd', '\u{10000}'])
          await put(tasks, owner, title)
        const sorted = ['\uff5e', '\ufffd', '\u{10000}', '\u{1f600}']
        expect(await titles(owner, { sort: 'title' })).toEqual(sorted)
        expect(await titles(owner, { sort: 'title', order: 'desc' })).toEqual(sorted.toReversed())
      })

      test('due dates sort with all-day ones at the end of their day, missing ones last both ways', async () => {
        const owner = someone()
        const given = [
          ['none 1', null],
          ['next day', '2026-02-11T00:00:00Z'],
          ['all day', '2026-02-10'],
          ['evening', '2026-02-10T23:59:59.999Z'],
          ['none 2', null],
          ['tie 1', '2026-02-10T08:00:00Z'],
          ['tie 2', '2026-02-10T09:00:00+01:00'],
          ['old', '1970-01-01'],
          ['far', '9999-12-31'],
        ] as const
        for (const [title, due_date] of given) await put(tasks, owner, { title, due_date })
        const dated = ['old', 'tie 1', 'tie 2', 'evening', 'all day', 'next day', 'far']
        expect(await titles(owner, { sort: 'due_date' })).toEqual([...dated, 'none 1', 'none 2'])
        expect(await titles(owner, { sort: 'due_date', order: 'desc' })).toEqual([
          ...dated.toReversed(),
          'none 2',
          'none 1',
        ])
      })

      test('filters by status, priority, due date and text, alone and together', async () => {
        const owner = someone()
        const add = (title: string, priority: 'low' | 'high' | null, due_date: string | null) =>
          put(tasks, owner, { title, priority, due_date, description: `About ${title}` })
        await add('Crème brûlée', 'high', '2026-02-10')
        await add('Straße fegen', 'low', '2026-02-10T09:00:00Z')
        await add('100% _done_', 'high', null)
        const done = await add('ΟΔΟΣ', null, '2026-03-01')
        await replace(tasks, setCompleted(done, true, LATER))

        const ask = (input: TaskQueryInput) => titles(owner, { order: 'asc', ...input })
        expect(await ask({ status: 'completed' })).toEqual(['ΟΔΟΣ'])
        expect(await ask({ status: 'pending' })).toHaveLength(3)
        expect(await ask({ priority: 'high' })).toEqual(['Crème brûlée', '100% _done_'])
        expect(await ask({ due_before: '2026-02-10' })).toEqual([])
        expect(await ask({ due_before: '2026-02-11' })).toEqual(['Crème brûlée', 'Straße fegen'])
        expect(await ask({ due_after: '2026-02-10' })).toEqual(['ΟΔΟΣ'])
        expect(await ask({ due_after: '2026-02-10T09:00:00Z' })).toEqual(['Crème brûlée', 'ΟΔΟΣ'])
        expect(await ask({ q: 'creme BRULEE' })).toEqual(['Crème brûlée'])
        expect(await ask({ q: 'STRASSE' })).toEqual(['Straße fegen'])
        expect(await ask({ q: 'οδος' })).toEqual(['ΟΔΟΣ'])
        expect(await ask({ q: '%' })).toEqual(['100% _done_'])
        expect(await ask({ q: '_' })).toEqual(['100% _done_'])
        expect(await ask({ q: 'fegen about' })).toEqual([])
        expect(await ask({ q: 'about', priority: 'high', due_before: '2027-01-01' })).toEqual([
          'Crème brûlée',
        ])
        expect(
          await ask({ q: 'a', status: 'pending', sort: 'title', due_after: '2026-01-01' }),
        ).toEqual(['Crème brûlée', 'Straße fegen'])
      })

      test('as JSON is the same, whatever the texts', async () => {
        const owner = `${someone()} "o" \\ é`
        const texts = [
          '"',
          '\\',
          '\\"',
          'a\nb\tc\rd',
          '\u0001\u001f\u007f',
          '\u2028 👩‍👩‍👧‍👦',
          undefined,
          'null',
          '{"id":"',
        ]
        for (const description of texts) {
          await put(tasks, owner, { title: 'a "b" \\ c', ...(description && { description }) })
        }
        const list = await tasks.list(owner, taskQuery({ order: 'asc' }), WHOLE)
        expect(list.tasks.map((task) => task.description)).toEqual(
          texts.map((text) => text ?? null),
        )
        for (const task of list.tasks)
          expect(task).toEqual((await tasks.get(owner, task.id)) as Task)
        expect(JSON.parse(list.json)).toEqual(list.tasks)
        expect(list.last).toEqual(list.tasks.at(-1))
        const part = await tasks.list(owner, taskQuery({ order: 'asc' }), { limit: 2, after: null })
        expect(JSON.parse(part.json)).toEqual(list.tasks.slice(0, 2))
        expect(part.last).toEqual(list.tasks[1])
      })

      test('pages of any size add up to the whole list, in every order', async () => {
        const owner = someone()
        for (let n = 0; n < 23; n++) {
          const due_date = [null, '2026-02-10', '2026-02-10T09:00:00Z', '2026-02-11'][n % 4] ?? null
          const created = await put(tasks, owner, { title: ['b', 'a', 'Á'][n % 3] ?? '', due_date })
          if (n % 5 === 0) await replace(tasks, setCompleted(created, true, LATER))
        }
        for (const sort of ['created', 'title', 'due_date'] as const) {
          for (const order of ['asc', 'desc'] as const) {
            for (const status of ['all', 'pending', 'completed'] as const) {
              const query = taskQuery({ sort, order, status })
              const whole = await tasks.list(owner, query, WHOLE)
              expect(whole.more).toBe(false)
              expect(whole.tasks).toHaveLength({ all: 23, pending: 18, completed: 5 }[status])
              for (const limit of [1, 4, 5, 22, 23, 24]) {
                expect(await pages(owner, query, limit)).toEqual([...whole.tasks])
              }
            }
          }
        }
      })

      test('paging neither skips nor repeats while others insert', async () => {
        const owner = someone()
        const before = new Set<string>()
        for (let n = 0; n < 20; n++) before.add((await put(tasks, owner, `task ${n % 7}`)).id)
        for (const sort of ['created', 'title'] as const) {
          const query = taskQuery({ sort })
          const inserts = Array.from({ length: 20 }, (_, n) => put(tasks, owner, `task ${n % 7}`))
          const seen = (await pages(owner, query, 3)).map(({ id }) => id)
          await Promise.all(inserts)
          expect(new Set(seen).size).toBe(seen.length)
          expect(before.difference(new Set(seen)).size).toBe(0)
          for (const { id } of await Promise.all(inserts)) before.add(id)
        }
      })

      test('resumes where the last task stood, even when it is gone', async () => {
        const owner = someone()
        for (const title of ['a', 'b', 'c', 'd']) await put(tasks, owner, title)
        const query = taskQuery({ sort: 'title' })
        const first = await tasks.list(owner, query, { limit: 2, after: null })
        const last = first.tasks[1] as Task
        await remove(tasks, last)
        expect(
          await titles(owner, { sort: 'title' }, { limit: 2, after: positionOf(last, query) }),
        ).toEqual(['c', 'd'])
      })

      test('comes with the revision of the user', async () => {
        const owner = someone()
        await remove(tasks, await put(tasks, owner, 'a'))
        expect(await tasks.list(owner, taskQuery(), WHOLE)).toMatchObject({
          tasks: [],
          revision: 2,
        })
        await put(tasks, owner, 'b')
        const query = taskQuery({ q: 'nothing like it' })
        expect(await tasks.list(owner, query, WHOLE)).toMatchObject({ tasks: [], revision: 3 })
        expect(await tasks.list(owner, taskQuery(), WHOLE)).toMatchObject({ revision: 3 })
      })
    })

    describe('revisions and races', () => {
      test('of steps that come together, one that fails takes no other along', async () => {
        const owner = someone()
        const taken = await put(tasks, owner, 'there')
        const steps = ['a', 'b', taken.id, 'c'].map((title) =>
          put(tasks, owner, title, title === taken.id ? { id: taken.id } : {}),
        )
        const outcomes = await Promise.allSettled(steps)
        expect(outcomes.map(({ status }) => status)).toEqual([
          'fulfilled',
          'fulfilled',
          'rejected',
          'fulfilled',
        ])
        const { tasks: left, revision } = await tasks.list(owner, taskQuery(), WHOLE)
        expect(revision).toBe(4)
        expect(left.map((task) => [task.title, task.revision]).sort()).toEqual(
          await Promise.all(
            outcomes.map(async (outcome) =>
              outcome.status === 'fulfilled'
                ? [outcome.value.title, outcome.value.revision]
                : ['there', 1],
            ),
          ).then((all) => all.sort()),
        )
      })

      test('50 creates at once take revisions 1 to 50', async () => {
        const owner = someone()
        const created = await Promise.all(
          Array.from({ length: 50 }, (_, n) => put(tasks, owner, `task ${n}`)),
        )
        expect(created.map(({ revision }) => revision).sort((a, b) => a - b)).toEqual(
          Array.from({ length: 50 }, (_, n) => n + 1),
        )
        expect(await revisionOf(tasks, owner)).toBe(50)
        expect(await titles(owner)).toHaveLength(50)
      })

      test('of 50 writers that saw the same revision exactly one succeeds', async () => {
        const owner = someone()
        const task = await put(tasks, owner, 'seen by all')
        const results = await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            n % 2
              ? remove(tasks, task)
              : replace(tasks, editTask(task, { title: `writer ${n}` }, LATER)),
          ),
        )
        const winners = results.filter(Boolean)
        expect(winners).toHaveLength(1)
        expect(await revisionOf(tasks, owner)).toBe(2)
        const left = await tasks.get(owner, task.id)
        expect(left).toEqual(winners[0] === true ? undefined : (winners[0] as Task))
      })

      test('50 writers on one user, each on a task of its own, lose nothing', async () => {
        const owner = someone()
        const mine = await Promise.all(
          Array.from({ length: 50 }, (_, n) => put(tasks, owner, `task ${n}`)),
        )
        const changed = await Promise.all(
          mine.map((task, n) =>
            n % 5
              ? replace(tasks, editTask(task, { description: `by ${n}` }, LATER))
              : remove(tasks, task),
          ),
        )
        expect(changed.every(Boolean)).toBe(true)
        expect(await revisionOf(tasks, owner)).toBe(100)
        const { tasks: left } = await tasks.list(owner, taskQuery(), WHOLE)
        expect(left).toHaveLength(40)
        expect(new Set(left.map(({ revision }) => revision)).size).toBe(40)
        for (const { title, description } of left) {
          expect(description).toBe(title.replace('task', 'by'))
        }
      })

      test('50 writers that read again after a miss lose no update', async () => {
        const owner = someone()
        const { id } = await put(tasks, owner, { title: 'counter', description: '' })
        const append = async (): Promise<void> => {
          for (;;) {
            const task = (await tasks.get(owner, id)) as Task
            const edited = editTask(task, { description: `${task.description}x` }, LATER)
            if (await replace(tasks, edited)) return
          }
        }
        await Promise.all(Array.from({ length: 50 }, append))
        expect(await tasks.get(owner, id)).toMatchObject({
          description: 'x'.repeat(50),
          revision: 51,
        })
      })

      test('the quota holds under 30 creates at once, and a removal makes room', async () => {
        const owner = someone()
        const results = await Promise.allSettled(
          Array.from({ length: 30 }, (_, n) => put(tasks, owner, `task ${n}`, { quota: 10 })),
        )
        const refused = results.filter((result) => result.status === 'rejected')
        expect(refused).toHaveLength(20)
        for (const { reason } of refused) expect(reason).toMatchObject({ kind: 'quota-exceeded' })
        expect(await titles(owner)).toHaveLength(10)
        expect(await revisionOf(tasks, owner)).toBe(10)

        const { tasks: mine } = await tasks.list(owner, taskQuery(), WHOLE)
        await remove(tasks, mine[0] as Task)
        expect((await put(tasks, owner, 'fits again', { quota: 10 })).revision).toBe(12)
        await expect(put(tasks, owner, 'too many', { quota: 10 })).rejects.toMatchObject({
          kind: 'quota-exceeded',
        })
      })
    })

    describe('isolation', () => {
      const awkward = [
        'a',
        'A',
        'a ',
        ' a',
        '\u00e9',
        'e\u0301',
        '%',
        '_',
        'null',
        'undefined',
        '',
        '0',
        "'",
        '"',
        '\\',
        '\u2028',
        '👤',
        'x'.repeat(255),
        '𝄞'.repeat(255),
      ]

      test('users whose ids look alike share nothing', async () => {
        const ids = awkward.map((id) => `${id}`)
        const created = await Promise.all(ids.map((owner, n) => put(tasks, owner, `of user ${n}`)))
        for (const [n, owner] of ids.entries()) {
          expect(await titles(owner)).toEqual([`of user ${n}`])
          expect(await revisionOf(tasks, owner)).toBe(1)
          for (const [m, task] of created.entries()) {
            const seen = await tasks.get(owner, task.id)
            expect(seen?.user_id).toBe(n === m ? owner : undefined)
          }
        }
      })

      test('nobody can change or remove what is not theirs', async () => {
        const [owner, other] = [someone(), someone()]
        const mine = await put(tasks, owner, 'mine')
        await put(tasks, other, 'theirs')
        const stolen = { ...mine, user_id: other }
        expect(await tasks.get(other, mine.id)).toBeUndefined()
        expect(await replace(tasks, { ...stolen, title: 'stolen' })).toBeUndefined()
        expect(await remove(tasks, stolen)).toBe(false)
        expect(await tasks.exists(mine.id)).toBe(true)
        expect(await tasks.get(owner, mine.id)).toEqual(mine)
        expect(await revisionOf(tasks, other)).toBe(1)
        expect(await titles(other)).toEqual(['theirs'])
        expect(await titles(other, { q: 'mine' })).toEqual([])
      })
    })

    taskChangesContract(() => tasks, someone)
  })
}
