import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskStore, WebhookStore } from '../../src/application/ports.ts'
import { editTask, type UserId } from '../../src/domain/task.ts'
import type { Webhook } from '../../src/domain/webhook.ts'
import { countingIds, NOON, put, remove, replace } from '../support/tasks.ts'

const newId = countingIds()

export const webhookOf = (owner: UserId, more: Partial<Webhook> = {}): Webhook => ({
  id: newId(NOON),
  user_id: owner,
  url: 'https://hooks.example.com/a?b=c',
  events: ['task.changed', 'task.deleted'],
  secrets: [{ value: 'whsec_AAAA', until: null }],
  created_at: NOON,
  position: { revision: 0, history: null, snapshot: null },
  failures: 0,
  last_attempt_at: null,
  last_error: null,
  failing_since: null,
  disabled: null,
  due_at: null,
  version: 1,
  ...more,
})

type Opened = { tasks: TaskStore; webhooks: WebhookStore; close?(): unknown }

/** What every storage of webhooks must do, next to one of tasks. `open` gives an empty one. */
export const webhookStoreContract = (name: string, open: () => Opened | Promise<Opened>): void => {
  describe(`WebhookStore contract: ${name}`, () => {
    let opened: Opened
    let tasks: TaskStore
    let webhooks: WebhookStore
    let count = 0
    const someone = (): UserId => `hooked-${++count}`

    beforeAll(async () => {
      opened = await open()
      ;({ tasks, webhooks } = opened)
    })
    afterAll(() => opened?.close?.())

    const make = async (owner: UserId, more: Partial<Webhook> = {}): Promise<Webhook> => {
      const webhook = webhookOf(owner, more)
      expect(await webhooks.create(webhook, 10)).toBe(true)
      return webhook
    }

    test('gives back every field as it was stored, and the newest state', async () => {
      const owner = someone()
      const full: Partial<Webhook> = {
        url: 'https://hooks.example.com/ü?q="\'',
        secrets: [
          { value: 'whsec_BBBB', until: null },
          { value: 'whsec_CCCC', until: NOON },
        ],
        position: { revision: 41, history: 'abc', snapshot: 50 },
        failures: 3,
        last_attempt_at: NOON,
        last_error: 'timeout',
        failing_since: NOON,
        disabled: 'failing',
        due_at: NOON,
      }
      const bare = await make(owner)
      const webhook = await make(owner, full)
      expect(await webhooks.get(owner, bare.id)).toEqual(bare)
      expect(await webhooks.get(owner, webhook.id)).toEqual(webhook)
      expect(await webhooks.list(owner)).toEqual([bare, webhook])
      expect(await webhooks.replace({ ...bare, ...full })).toBe(true)
      expect(await webhooks.get(owner, bare.id)).toEqual({ ...bare, ...full, version: 2 })
      expect(await webhooks.get(owner, newId(NOON))).toBeUndefined()
      expect(await webhooks.get(owner, 'no id')).toBeUndefined()
    })

    test('of several that saw the same version one replaces it', async () => {
      const owner = someone()
      const webhook = await make(owner)
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, n) => webhooks.replace({ ...webhook, failures: n })),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      expect(await webhooks.get(owner, webhook.id)).toMatchObject({ version: 2 })
      expect(await webhooks.replace({ ...webhook, id: newId(NOON) })).toBe(false)
    })

    test('an owner has so many; others have their own', async () => {
      const [owner, other] = [someone(), someone()]
      for (let n = 0; n < 3; n++) expect(await webhooks.create(webhookOf(owner), 3)).toBe(true)
      expect(await webhooks.create(webhookOf(owner), 3)).toBe(false)
      expect(await webhooks.create(webhookOf(other), 3)).toBe(true)
      expect(await webhooks.list(owner)).toHaveLength(3)
    })

    test("nobody reaches another's", async () => {
      const [owner, other] = [someone(), someone()]
      const mine = await make(owner)
      expect(await webhooks.get(other, mine.id)).toBeUndefined()
      expect(await webhooks.replace({ ...mine, user_id: other })).toBe(false)
      expect(await webhooks.remove(other, mine.id)).toBe(false)
      await webhooks.removeOwner(other)
      expect(await webhooks.get(owner, mine.id)).toEqual(mine)
    })

    test('is gone when it is removed, or its owner is', async () => {
      const owner = someone()
      const [first] = [await make(owner), await make(owner)]
      expect(await webhooks.remove(owner, first.id)).toBe(true)
      expect(await webhooks.remove(owner, first.id)).toBe(false)
      expect(await webhooks.remove(owner, 'no id')).toBe(false)
      expect(await webhooks.list(owner)).toHaveLength(1)
      await webhooks.removeOwner(owner)
      expect(await webhooks.list(owner)).toEqual([])
    })

    test('every change of a task makes it due and moves its version, nothing else does', async () => {
      const [owner, other] = [someone(), someone()]
      const webhook = await make(owner)
      const disabled = await make(owner, { disabled: 'gone' })
      const task = await put(tasks, owner, { title: 'a', remind_at: '2028-01-01T09:00:00Z' })
      const state = async () => {
        const { due_at, version } = (await webhooks.get(owner, webhook.id)) as Webhook
        return [due_at, version]
      }
      expect(await state()).toEqual([NOON, 2])
      await put(tasks, other, 'not of the owner')
      expect(await state()).toEqual([NOON, 2])
      const present = (await webhooks.get(owner, webhook.id)) as Webhook
      await webhooks.replace({ ...present, due_at: '2030-01-01T00:00:00.000Z' })
      const edited = await replace(tasks, editTask(task, { title: 'b' }, NOON))
      expect(await state()).toEqual(['2030-01-01T00:00:00.000Z', 4])
      await webhooks.replace({ ...present, version: 4, due_at: null })
      await tasks.remind('2028-01-01T09:00:00.000Z', 100)
      expect(await state()).toEqual(['2028-01-01T09:00:00.000Z', 6])
      expect(edited).toBeDefined()
      const now = await tasks.get(owner, task.id)
      await webhooks.replace({ ...present, version: 6, due_at: null })
      if (now) await remove(tasks, now)
      expect(await state()).toEqual([NOON, 8])
      expect(await tasks.write({ owner, writes: [], taken: 0, quota: 0, at: NOON })).toBe(4)
      expect(await state()).toEqual([NOON, 8])
      expect(await webhooks.get(owner, disabled.id)).toEqual(disabled)
    })

    test('is found when it is due, the longest waiting first, so many at a time', async () => {
      const owner = someone()
      const at = (day: number) => `2001-01-0${day}T00:00:00.000Z`
      const [second, first] = [
        await make(owner, { due_at: at(2) }),
        await make(owner, { due_at: at(1) }),
      ]
      await make(owner, { due_at: at(4) })
      await make(owner)
      const due = await webhooks.due(at(3), 100)
      expect(due).toEqual([
        { owner, id: first.id },
        { owner, id: second.id },
      ])
      expect(await webhooks.due(at(3), 1)).toEqual([{ owner, id: first.id }])
    })

    test('reminders that were given after a position come with the changes', async () => {
      const owner = someone()
      const task = await put(tasks, owner, { title: 'a', remind_at: '2029-01-01T09:00:00Z' })
      await tasks.remind('2029-01-01T09:00:00.000Z', 100)
      const reminded = await tasks.get(owner, task.id)
      if (reminded) await replace(tasks, editTask(reminded, { title: 'b' }, NOON))
      expect((await tasks.changes(owner, 1, 1, 10)).reminded).toEqual({ [task.id]: 2 })
      expect((await tasks.changes(owner, 2, 2, 10)).reminded).toEqual({})
    })
  })
}
