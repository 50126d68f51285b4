import { describe, expect, test } from 'bun:test'
import type { UserId } from '../../src/domain/task.ts'
import { editTask } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import {
  commitOf,
  LATER,
  NOON,
  put,
  remove,
  replace,
  revisionOf,
  someone,
  taskOf,
  WHOLE,
} from '../support/tasks.ts'
import { webhookOf } from '../support/webhooks.ts'
import type { Suite } from './storage.ts'

export const accountsContract: Suite = (opened) => {
  const tasks = () => opened().tasks
  const webhooks = () => opened().webhooks

  const record = { key: 'key', request: '', at: NOON, changes: [] }

  const expectNothing = async (owner: UserId): Promise<void> => {
    const list = await tasks().list(owner, taskQuery(), WHOLE)
    expect([list.tasks.text(), list.version.revision]).toEqual(['[]', 0])
    const feed = await tasks().changes(owner, 0, 0, 100)
    expect([feed.changes.text(), feed.revision, feed.timelines]).toEqual(['[]', 0, []])
    expect(await tasks().remindersAfter(owner, 0)).toEqual({})
    expect(await tasks().idempotencyRecord(owner, 'key')).toBeUndefined()
    expect(await webhooks().list(owner)).toEqual([])
    expect((await tasks().reminders(100_000)).filter((each) => each.owner === owner)).toEqual([])
    expect((await webhooks().due(100_000)).filter((each) => each.owner === owner)).toEqual([])
  }

  describe('a deleted account', () => {
    test('leaves nothing, and touches nobody else', async () => {
      const [owner, other] = [someone(), someone()]
      const mine = [
        await put(tasks(), owner, 'a'),
        await put(tasks(), owner, { title: 'b', remind_at: LATER }),
      ]
      await remove(tasks(), await put(tasks(), owner, 'gone'))
      await tasks().commit(commitOf(owner, [], { idempotency: record }))
      await webhooks().create(webhookOf(owner, { due_at: NOON }), 10)
      const theirs = await put(tasks(), other, 'theirs')
      const hook = webhookOf(other)
      await webhooks().create(hook, 10)
      for (const _ of ['first', 'again']) {
        await tasks().deleteAccount(owner, LATER)
        await expectNothing(owner)
        for (const { id } of mine) {
          expect(await tasks().get(owner, id)).toBeUndefined()
          expect(await tasks().exists(id)).toBe(false)
        }
        expect(await tasks().versions([owner])).toEqual([])
      }
      expect(await taskOf(tasks(), other, theirs.id)).toEqual(theirs)
      expect(await revisionOf(tasks(), other)).toBe(1)
      expect(await webhooks().list(other)).toEqual([hook])
    })

    test('refuses every later commit and webhook, until its mark is purged', async () => {
      const owner = someone()
      const task = await put(tasks(), owner, 'a')
      const [before] = await tasks().versions([owner])
      const hook = webhookOf(owner)
      await webhooks().create(hook, 10)
      await tasks().deleteAccount(owner, NOON)
      const refused = { kind: 'unauthenticated' }
      await expect(put(tasks(), owner, 'b')).rejects.toMatchObject(refused)
      await expect(
        tasks().commit(commitOf(owner, [], { idempotency: record })),
      ).rejects.toMatchObject(refused)
      await expect(replace(tasks(), editTask(task, { title: 'b' }, LATER))).rejects.toMatchObject(
        refused,
      )
      await expect(webhooks().create(webhookOf(owner), 10)).rejects.toMatchObject(refused)
      expect(await webhooks().replace(hook)).toBe('conflict')
      expect(await webhooks().remove(owner, hook.id)).toBe('absent')
      await tasks().purge(owner, { tombstones: NOON, records: NOON, revisions: 1000 }, 10)
      await expect(put(tasks(), owner, 'b')).rejects.toMatchObject(refused)
      await expectNothing(owner)
      await tasks().purge(owner, { tombstones: LATER, records: LATER, revisions: 1000 }, 10)
      expect(await put(tasks(), owner, 'b', { quota: 1 })).toMatchObject({ revision: 1 })
      const [after] = await tasks().versions([owner])
      expect(after?.version.timeline).not.toBe(before?.version.timeline ?? '')
      expect(await webhooks().create(webhookOf(owner), 1)).toBe('created')
    })

    test('an owner without any change can be deleted, too', async () => {
      const owner = someone()
      await tasks().deleteAccount(owner, NOON)
      await expect(put(tasks(), owner, 'a')).rejects.toMatchObject({ kind: 'unauthenticated' })
    })

    test('among 50 commits and webhooks leaves nothing, and they are refused with nothing else', async () => {
      for (let round = 0; round < 5; round++) {
        const owner = someone()
        const task = await put(tasks(), owner, 'before')
        await webhooks().create(webhookOf(owner), 100)
        const write = (n: number): Promise<unknown> =>
          n % 10 === 9
            ? webhooks().create(webhookOf(owner, { due_at: NOON }), 100)
            : n % 10 === 8
              ? replace(tasks(), editTask(task, { title: `${n}` }, LATER))
              : put(tasks(), owner, { title: `${n}`, remind_at: LATER })
        const steps = Array.from({ length: 50 }, (_, n) => (): Promise<unknown> => write(n))
        steps.splice(10 * round, 0, () => tasks().deleteAccount(owner, NOON))
        const outcomes = await Promise.allSettled(steps.map((step) => step()))
        expect(outcomes[10 * round]?.status).toBe('fulfilled')
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') {
            expect(outcome.reason).toMatchObject({ kind: 'unauthenticated' })
          }
        }
        await expectNothing(owner)
        await expect(put(tasks(), owner, 'after')).rejects.toMatchObject({
          kind: 'unauthenticated',
        })
      }
    })
  })
}
