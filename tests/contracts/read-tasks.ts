import { describe, expect, test } from 'bun:test'
import { setCompleted, type Task, type UserId } from '../../src/domain/task.ts'
import {
  type Position,
  positionOf,
  type TaskQuery,
  type TaskQueryInput,
  taskQuery,
} from '../../src/domain/task-query.ts'
import {
  LATER,
  NOON,
  put,
  remove,
  replace,
  revisionOf,
  someone,
  taskOf,
  uuid,
  WHOLE,
} from '../support/tasks.ts'
import type { Suite } from './storage.ts'

export const readTasksContract: Suite = (opened) => {
  const tasks = () => opened().tasks

  const titles = async (
    owner: UserId,
    input: TaskQueryInput = {},
    page: { limit: number | null; after: Position | null } = WHOLE,
  ): Promise<string[]> =>
    (await tasks().list(owner, taskQuery(input), page)).tasks.value().map(({ title }) => title)

  /** Follows the pages to their end. */
  const pages = async (owner: UserId, query: TaskQuery, limit: number): Promise<Task[]> => {
    const all: Task[] = []
    for (;;) {
      const last = all.at(-1)
      const after = last ? positionOf(last, query) : null
      const page = await tasks().list(owner, query, { limit, after })
      const found = page.tasks.value()
      expect(found.length).toBeLessThanOrEqual(limit)
      all.push(...found)
      if (!page.more) return all
      expect(found).toHaveLength(limit)
    }
  }

  describe('get and find', () => {
    test('return the document and its version', async () => {
      const owner = someone()
      const draft = {
        title: 'Pay rent',
        description: '',
        priority: 'high',
        due_date: '2026-02-10T09:00:00+01:00',
        remind_at: '2026-02-10T08:45:00+01:00',
      } as const
      const full = await put(tasks(), owner, draft)
      const bare = await put(tasks(), owner, 'Bare')
      expect(full).toMatchObject({
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
      expect(bare).toMatchObject({ description: null, priority: null, due_date: null, revision: 2 })
      const [current] = await tasks().versions([owner])
      for (const task of [full, bare]) {
        const stored = await tasks().get(owner, task.id)
        expect(stored?.document.value()).toEqual(task)
        expect(stored?.document.text()).toBe(JSON.stringify(task))
        const timeline = current?.version.timeline ?? ''
        expect(timeline).toMatch(/^[0-9a-z]{1,32}$/)
        expect(stored?.version).toEqual({ revision: task.revision, timeline })
        expect(stored?.recordedAt).toBeNull()
      }
      expect(await tasks().get(owner, uuid(999_999_999))).toBeUndefined()
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
    ])('keep text verbatim: %s', async (_, title) => {
      const owner = someone()
      const created = await put(tasks(), owner, { title, description: title })
      expect(created.title).toBe(title)
      const read = await taskOf(tasks(), owner, created.id)
      expect([read?.title, read?.description]).toEqual([title, title])
      expect(await titles(owner)).toEqual([title])
    })

    test('return copies: what a caller does with one changes nothing stored', async () => {
      const owner = someone()
      const created = await put(tasks(), owner, 'Original')
      for (const copy of [
        created,
        await taskOf(tasks(), owner, created.id),
        (await tasks().list(owner, taskQuery(), WHOLE)).tasks.value()[0],
      ]) {
        Object.assign(copy ?? {}, { title: 'Changed by the caller', revision: 99 })
      }
      expect(await taskOf(tasks(), owner, created.id)).toMatchObject({
        title: 'Original',
        revision: 1,
      })
    })

    test('several tasks are found at once, those of others left out', async () => {
      const [owner, other] = [someone(), someone()]
      const mine = [await put(tasks(), owner, 'a'), await put(tasks(), owner, 'b')]
      const theirs = await put(tasks(), other, 'c')
      const ids = [...mine, theirs].map(({ id }) => id)
      const found = await tasks().find(owner, [...ids, uuid(999_999_997)])
      const values = found.map(({ document }) => document.value())
      expect(values.sort((a, b) => a.revision - b.revision)).toEqual(mine)
      for (const { document, version } of found) {
        expect(version.revision).toBe(document.value().revision)
      }
      expect(await tasks().find(owner, [])).toEqual([])
    })
  })

  describe('list', () => {
    test('is newest first unless asked otherwise, and empty for a stranger', async () => {
      const owner = someone()
      for (const title of ['first', 'second', 'third']) await put(tasks(), owner, title)
      expect(await titles(owner)).toEqual(['third', 'second', 'first'])
      expect(await titles(owner, { order: 'asc' })).toEqual(['first', 'second', 'third'])
      const none = await tasks().list(someone(), taskQuery(), WHOLE)
      expect(none).toMatchObject({
        last: undefined,
        more: false,
        version: { revision: 0, timeline: '' },
      })
      expect(none.tasks.text()).toBe('[]')
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
      for (const title of given) await put(tasks(), owner, title)
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
      for (const title of ['\u{1f600}', '\uff5e', '\ufffd', '\u{10000}']) {
        await put(tasks(), owner, title)
      }
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
      for (const [title, due_date] of given) await put(tasks(), owner, { title, due_date })
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
        put(tasks(), owner, { title, priority, due_date, description: `About ${title}` })
      await add('Crème brûlée', 'high', '2026-02-10')
      await add('Straße fegen', 'low', '2026-02-10T09:00:00Z')
      await add('100% _done_', 'high', null)
      const done = await add('ΟΔΟΣ', null, '2026-03-01')
      await replace(tasks(), setCompleted(done, true, LATER))

      const ask = (input: TaskQueryInput) => titles(owner, { order: 'asc', ...input })
      expect(await ask({ status: 'completed' })).toEqual(['ΟΔΟΣ'])
      expect(await ask({ status: 'pending' })).toHaveLength(3)
      expect(await ask({ priority: 'high' })).toEqual(['Crème brûlée', '100% _done_'])
      expect(await ask({ due_before: '2026-02-10' })).toEqual([])
      expect(await ask({ due_before: '2026-02-11' })).toEqual(['Crème brûlée', 'Straße fegen'])
      expect(await ask({ due_before: '9999-12-31T23:59:59.999Z' })).toHaveLength(3)
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

    test('is the text of its documents, whatever is in them', async () => {
      const owner = `${someone()} "o" \\ é`
      const texts = [
        '"',
        '\\',
        '\\"',
        'a\nb\tc\rd',
        ',\n',
        '\u0001\u001f\u007f',
        '\u2028 👩‍👩‍👧‍👦',
        undefined,
        'null',
        '{"id":"',
      ]
      for (const description of texts) {
        await put(tasks(), owner, { title: 'a "b" \\ c', ...(description && { description }) })
      }
      const list = await tasks().list(owner, taskQuery({ order: 'asc' }), WHOLE)
      const all = list.tasks.value()
      expect(all.map((task) => task.description)).toEqual(texts.map((text) => text ?? null))
      for (const task of all) expect(task).toEqual((await taskOf(tasks(), owner, task.id)) as Task)
      expect(JSON.parse(list.tasks.text())).toEqual(all)
      expect(list.last).toEqual(all.at(-1))
      for (const limit of [2, 5, 9]) {
        const part = await tasks().list(owner, taskQuery({ order: 'asc' }), { limit, after: null })
        expect(part.tasks.value()).toEqual(all.slice(0, limit))
        expect(part).toMatchObject({ last: all[limit - 1] as Task, more: true })
      }
    })

    test('pages of any size add up to the whole list, in every order', async () => {
      const owner = someone()
      for (let n = 0; n < 23; n++) {
        const due_date = [null, '2026-02-10', '2026-02-10T09:00:00Z', '2026-02-11'][n % 4] ?? null
        const created = await put(tasks(), owner, { title: ['b', 'a', 'Á'][n % 3] ?? '', due_date })
        if (n % 5 === 0) await replace(tasks(), setCompleted(created, true, LATER))
      }
      for (const sort of ['created', 'title', 'due_date'] as const) {
        for (const order of ['asc', 'desc'] as const) {
          for (const status of ['all', 'pending', 'completed'] as const) {
            const query = taskQuery({ sort, order, status })
            const whole = await tasks().list(owner, query, WHOLE)
            expect(whole.more).toBe(false)
            const all = whole.tasks.value()
            expect(all).toHaveLength({ all: 23, pending: 18, completed: 5 }[status])
            for (const limit of [1, 4, 5, 22, 23, 24]) {
              expect(await pages(owner, query, limit)).toEqual([...all])
            }
          }
        }
      }
    })

    test('paging neither skips nor repeats while others insert', async () => {
      const owner = someone()
      const before = new Set<string>()
      for (let n = 0; n < 20; n++) before.add((await put(tasks(), owner, `task ${n % 7}`)).id)
      for (const sort of ['created', 'title'] as const) {
        const query = taskQuery({ sort })
        const inserts = Array.from({ length: 20 }, (_, n) => put(tasks(), owner, `task ${n % 7}`))
        const seen = (await pages(owner, query, 3)).map(({ id }) => id)
        await Promise.all(inserts)
        expect(new Set(seen).size).toBe(seen.length)
        expect(before.difference(new Set(seen)).size).toBe(0)
        for (const { id } of await Promise.all(inserts)) before.add(id)
      }
    })

    test('resumes where the last task stood, even when it is gone', async () => {
      const owner = someone()
      for (const title of ['a', 'b', 'c', 'd']) await put(tasks(), owner, title)
      const query = taskQuery({ sort: 'title' })
      const { last } = await tasks().list(owner, query, { limit: 2, after: null })
      if (!last) throw new Error('The list is empty.')
      await remove(tasks(), last)
      const after = positionOf(last, query)
      expect(await titles(owner, { sort: 'title' }, { limit: 2, after })).toEqual(['c', 'd'])
    })

    test('comes with the version of the owner', async () => {
      const owner = someone()
      await remove(tasks(), await put(tasks(), owner, 'a'))
      const [current] = await tasks().versions([owner])
      expect(current?.version.revision).toBe(2)
      const empty = await tasks().list(owner, taskQuery(), WHOLE)
      expect(empty.tasks.text()).toBe('[]')
      expect(current?.version).toEqual(empty.version)
      await put(tasks(), owner, 'b')
      const timeline = current?.version.timeline ?? ''
      for (const query of [taskQuery(), taskQuery({ q: 'nothing like it' })]) {
        const { version } = await tasks().list(owner, query, WHOLE)
        expect(version).toEqual({ revision: 3, timeline })
      }
    })
  })

  test('the versions of many owners come at once, those without any change left out', async () => {
    const owners = Array.from({ length: 5 }, someone)
    for (const [n, owner] of owners.entries()) {
      for (let m = 0; m < n; m++) await put(tasks(), owner, 'x')
    }
    const odd = ["'", '"', '{}', '\\'].map((end) => `nobody${end}`)
    const found = await tasks().versions([...owners, ...odd])
    const revisions = found.map(({ owner, version }): readonly [string, number] => [
      owner,
      version.revision,
    ])
    expect(revisions.sort(([, a], [, b]) => a - b)).toEqual(
      owners.slice(1).map((owner, n): readonly [string, number] => [owner, n + 1]),
    )
    expect(await tasks().versions([])).toEqual([])
  })

  describe('isolation', () => {
    const AWKWARD = [
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
      const created = await Promise.all(
        AWKWARD.map((owner, n) => put(tasks(), owner, `of user ${n}`)),
      )
      for (const [n, owner] of AWKWARD.entries()) {
        expect(await titles(owner)).toEqual([`of user ${n}`])
        expect(await revisionOf(tasks(), owner)).toBe(1)
        for (const [m, task] of created.entries()) {
          const seen = await taskOf(tasks(), owner, task.id)
          expect(seen?.user_id).toBe(n === m ? owner : undefined)
        }
      }
    })

    test('nobody can change or remove what is not theirs', async () => {
      const [owner, other] = [someone(), someone()]
      const mine = await put(tasks(), owner, 'mine')
      await put(tasks(), other, 'theirs')
      const stolen = { ...mine, user_id: other }
      expect(await tasks().get(other, mine.id)).toBeUndefined()
      expect(await replace(tasks(), { ...stolen, title: 'stolen' })).toBeUndefined()
      expect(await remove(tasks(), stolen)).toBe(false)
      expect(await tasks().exists(mine.id)).toBe(true)
      expect(await taskOf(tasks(), owner, mine.id)).toEqual(mine)
      expect(await revisionOf(tasks(), other)).toBe(1)
      expect(await titles(other)).toEqual(['theirs'])
      expect(await titles(other, { q: 'mine' })).toEqual([])
    })
  })
}
