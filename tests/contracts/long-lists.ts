import { describe, expect, test } from 'bun:test'
import { SHORT_LIST } from '../../src/application/tasks/long-lists.ts'
import { newTask, type Task, type UserId } from '../../src/domain/task.ts'
import { ORDERS, positionOf, SORTS, taskQuery } from '../../src/domain/task-query.ts'
import { commitOf, countingIds, NOON, put, remove, someone, WHOLE } from '../support/tasks.ts'
import type { Suite } from './storage.ts'

const COUNT = SHORT_LIST + 150
const newId = countingIds()

export const longListsContract: Suite = (opened) => {
  const tasks = () => opened().tasks

  const fill = async (owner: UserId, count = COUNT): Promise<Task[]> => {
    const created = Array.from({ length: count }, (_, n) =>
      newTask(
        newId(NOON),
        owner,
        {
          title: `Täsk ${(n * 37) % count}`,
          description: n % 5 === 0 ? '😀\u0001"\n' : null,
          ...(n % 3 > 0 && { due_date: `2026-02-${10 + (n % 15)}` }),
        },
        NOON,
      ),
    )
    const writes = created.map((task, n) => ({
      op: 'create' as const,
      task,
      revisionOffset: n + 1,
    }))
    await tasks().commit(commitOf(owner, writes))
    return created.map((task, n) => ({ ...task, revision: n + 1 }))
  }

  describe('lists of many tasks', () => {
    test('are whole, in every order, and as of their version', async () => {
      const owner = someone()
      const created = await fill(owner)
      for (const sort of SORTS) {
        for (const order of ORDERS) {
          const query = taskQuery({ sort, order })
          const list = await tasks().list(owner, query, WHOLE)
          expect([list.more, list.version.revision]).toEqual([false, COUNT])
          const found = list.tasks.value()
          expect(found.toSorted((a, b) => a.revision - b.revision)).toEqual(created)
          const first = await tasks().list(owner, query, { limit: 50, after: null })
          expect(found.slice(0, 50)).toEqual([...first.tasks.value()])
        }
      }
    })

    test('are the same as a stream and as a text', async () => {
      const owner = someone()
      await fill(owner)
      const read = () => tasks().list(owner, taskQuery(), WHOLE)
      const text = (await read()).tasks.text()
      const { tasks: json } = await read()
      expect(json.stream ? await new Response(json.stream()).text() : json.text()).toBe(text)
    })

    test('are searched and paged', async () => {
      const owner = someone()
      const created = await fill(owner)
      const wanted = created.filter(({ title }) => title.includes('7'))
      const query = taskQuery({ q: 'task 7', order: 'asc' })
      const expected = wanted.filter(({ title }) => title.startsWith('Täsk 7')).map(({ id }) => id)
      const found: string[] = []
      for (let after = WHOLE.after as ReturnType<typeof positionOf> | null; ; ) {
        const page = await tasks().list(owner, query, { limit: 20, after })
        found.push(...page.tasks.value().map(({ id }) => id))
        if (!page.more || !page.last) break
        after = positionOf(page.last, query)
      }
      expect(found).toEqual(expected)
      const none = await tasks().list(owner, taskQuery({ q: 'absent' }), WHOLE)
      expect([none.tasks.text(), none.more, none.version.revision]).toEqual(['[]', false, COUNT])
    })

    test('hold what was committed before, and nothing that is not as of their version', async () => {
      const owner = someone()
      const created = await fill(owner)
      let writing = true
      const write = async (): Promise<void> => {
        for (const task of created) {
          if (!writing) return
          await remove(tasks(), task)
          await put(tasks(), owner, 'new')
        }
      }
      const written = write()
      for (let n = 0; n < 5; n++) {
        const [before] = await tasks().versions([owner])
        const list = await tasks().list(owner, taskQuery(), WHOLE)
        const revisions = list.tasks.value().map(({ revision }) => revision)
        const { revision } = list.version
        expect(revision).toBeGreaterThanOrEqual(before?.version.revision ?? 0)
        expect(Math.max(...revisions)).toBeLessThanOrEqual(revision)
        // Each pair of revisions is a removal and a creation.
        expect(revisions).toHaveLength((revision - COUNT) % 2 === 0 ? COUNT : COUNT - 1)
      }
      writing = false
      await written
    })
  })
}
