import { describe, expect, test } from 'bun:test'
import type { IdempotencyRecord } from '../../src/application/ports.ts'
import { editTask, type UserId } from '../../src/domain/task.ts'
import type { Webhook } from '../../src/domain/webhook.ts'
import {
  commitOf,
  countingIds,
  LATER,
  NOON,
  put,
  remindOf,
  remove,
  replace,
  someone,
  taskOf,
} from '../support/tasks.ts'
import { webhookOf } from '../support/webhooks.ts'
import type { Suite } from './storage.ts'

const newId = countingIds()

export const webhooksContract: Suite = (opened) => {
  const tasks = () => opened().tasks
  const webhooks = () => opened().webhooks

  const make = async (owner: UserId, more: Partial<Webhook> = {}): Promise<Webhook> => {
    const webhook = webhookOf(owner, more)
    expect(await webhooks().create(webhook, 10)).toBe('created')
    return webhook
  }

  const present = async ({ user_id, id }: Webhook): Promise<Webhook> => {
    const webhook = await webhooks().get(user_id, id)
    if (!webhook) throw new Error('The webhook is gone.')
    return webhook
  }

  describe('webhooks', () => {
    test('every field comes back as it was stored, on create and on replace', async () => {
      const owner = someone()
      const full: Omit<Webhook, 'id' | 'user_id' | 'version'> = {
        url: 'https://hooks.example.com/ü?q="\'',
        events: ['task.reminder'],
        secrets: [
          { value: 'whsec_BBBB', until: null },
          { value: 'whsec_CCCC', until: NOON },
        ],
        created_at: LATER,
        position: { revision: 41, timeline: 'abc', snapshot: 50 },
        pinged_at: LATER,
        failures: 3,
        last_attempt_at: NOON,
        last_error: 'timeout',
        failing_since: NOON,
        disabled: 'failing',
        due_at: NOON,
      }
      const bare = await make(owner)
      const webhook = await make(owner, full)
      expect(await webhooks().get(owner, bare.id)).toEqual(bare)
      expect(await webhooks().get(owner, webhook.id)).toEqual(webhook)
      expect(await webhooks().list(owner)).toEqual([bare, webhook])
      expect(await webhooks().replace({ ...bare, ...full })).toBe('replaced')
      expect(await webhooks().get(owner, bare.id)).toEqual({ ...bare, ...full, version: 2 })
      expect(await webhooks().get(owner, newId(NOON))).toBeUndefined()
      expect(await webhooks().get(owner, 'no id')).toBeUndefined()
    })

    test('are copies: what a caller does with one changes nothing stored', async () => {
      const owner = someone()
      const webhook = await make(owner)
      const stored = structuredClone(webhook)
      for (const copy of [webhook, await present(webhook), (await webhooks().list(owner))[0]]) {
        Object.assign(copy?.position ?? {}, { revision: 99 })
      }
      expect(await webhooks().get(owner, webhook.id)).toEqual(stored)
    })

    test('of several that saw the same version one replaces it', async () => {
      const owner = someone()
      const webhook = await make(owner)
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) => webhooks().replace({ ...webhook, failures: n })),
      )
      expect(results.filter((result) => result === 'replaced')).toHaveLength(1)
      expect(results.filter((result) => result === 'conflict')).toHaveLength(19)
      expect(await present(webhook)).toMatchObject({ version: 2 })
      expect(await webhooks().replace({ ...webhook, id: newId(NOON) })).toBe('conflict')
    })

    test('an owner has at most so many, also when 11 are created at once', async () => {
      const [owner, other] = [someone(), someone()]
      await put(tasks(), owner, 'an owner with a task')
      for (const user of [owner, other]) {
        const all = Array.from({ length: 11 }, () => webhookOf(user))
        const results = await Promise.all(all.map((webhook) => webhooks().create(webhook, 10)))
        expect(results.toSorted()).toEqual([...Array(10).fill('created'), 'limit'])
        const [first] = await webhooks().list(user)
        expect(await webhooks().list(user)).toHaveLength(10)
        expect(await webhooks().remove(user, first?.id ?? '')).toBe('removed')
        expect(await webhooks().create(webhookOf(user), 10)).toBe('created')
        expect(await webhooks().create(webhookOf(user), 10)).toBe('limit')
      }
    })

    test("nobody reaches another's", async () => {
      const [owner, other] = [someone(), someone()]
      const mine = await make(owner)
      expect(await webhooks().get(other, mine.id)).toBeUndefined()
      expect(await webhooks().replace({ ...mine, user_id: other })).toBe('conflict')
      expect(await webhooks().remove(other, mine.id)).toBe('absent')
      expect(await webhooks().list(other)).toEqual([])
      expect(await webhooks().get(owner, mine.id)).toEqual(mine)
    })

    test('is gone when it is removed', async () => {
      const owner = someone()
      const [first, second] = [await make(owner), await make(owner)]
      expect(await webhooks().remove(owner, first.id)).toBe('removed')
      expect(await webhooks().remove(owner, first.id)).toBe('absent')
      expect(await webhooks().replace(first)).toBe('conflict')
      expect(await webhooks().list(owner)).toEqual([second])
    })

    test('an idempotency record is stored with each change, and a known key lets nothing happen', async () => {
      const owner = someone()
      const record = (key: string): IdempotencyRecord => ({
        key,
        request: `request of ${key}`,
        at: NOON,
        changes: [],
      })
      const first = webhookOf(owner)
      const change = { op: 'upsert', id: first.id, revisionOffset: 0, version: null } as const
      const created = { ...record('create'), changes: [change] }
      expect(await webhooks().create(first, 1, created)).toBe('created')
      expect(await tasks().idempotencyRecord(owner, 'create')).toMatchObject({
        ...created,
        changes: [{ op: 'upsert', id: first.id }],
      })
      expect(await webhooks().create(webhookOf(owner), 1, created)).toBe('duplicate')
      expect(await webhooks().create(webhookOf(owner), 1, record('limit'))).toBe('limit')

      const once = { ...first, failures: 1 }
      expect(await webhooks().replace(once, record('replace'))).toBe('replaced')
      expect(await tasks().idempotencyRecord(owner, 'replace')).toEqual(record('replace'))
      const twice = { ...once, failures: 2, version: 2 }
      for (const webhook of [once, twice]) {
        expect(await webhooks().replace(webhook, record('replace'))).toBe('duplicate')
      }
      expect(await webhooks().replace(once, record('conflict'))).toBe('conflict')
      expect(await present(first)).toMatchObject({ failures: 1, version: 2 })

      expect(await webhooks().remove(owner, first.id, record('replace'))).toBe('duplicate')
      expect(await webhooks().list(owner)).toHaveLength(1)
      expect(await webhooks().remove(owner, first.id, record('remove'))).toBe('removed')
      expect(await webhooks().remove(owner, first.id, record('remove'))).toBe('duplicate')
      expect(await webhooks().remove(owner, first.id, record('absent'))).toBe('absent')
      expect(await tasks().idempotencyRecord(owner, 'remove')).toEqual(record('remove'))

      // Keys of webhooks and of tasks are the same keys; what did not happen has left none.
      const commit = commitOf(owner, [], { idempotency: record('remove') })
      expect(await tasks().commit(commit)).toEqual({ status: 'duplicate' })
      for (const key of ['limit', 'conflict', 'absent']) {
        expect(await tasks().idempotencyRecord(owner, key)).toBeUndefined()
      }
      expect(await put(tasks(), owner, 'a')).toMatchObject({ revision: 1 })
    })

    test('of 20 requests with one key exactly one creates a webhook', async () => {
      const owner = someone()
      const record = { key: 'key', request: '', at: NOON, changes: [] }
      const results = await Promise.all(
        Array.from({ length: 20 }, () => webhooks().create(webhookOf(owner), 10, record)),
      )
      expect(results.filter((result) => result === 'created')).toHaveLength(1)
      expect(results.filter((result) => result === 'duplicate')).toHaveLength(19)
      expect(await webhooks().list(owner)).toHaveLength(1)
    })

    test('become due with every revision, in the same step, at the time of the first', async () => {
      const [owner, other] = [someone(), someone()]
      const webhook = await make(owner)
      const disabled = await make(owner, { disabled: 'gone' })
      const state = async () => {
        const { due_at, version } = await present(webhook)
        return [due_at, version]
      }
      const clear = async () =>
        expect(await webhooks().replace({ ...(await present(webhook)), due_at: null })).toBe(
          'replaced',
        )
      const remind_at = '2028-01-01T09:00:00.000Z'
      const task = await put(tasks(), owner, { title: 'a', remind_at })
      expect(await state()).toEqual([NOON, 2])
      await put(tasks(), other, 'not of the owner')
      expect(await state()).toEqual([NOON, 2])
      const late = '2030-01-01T00:00:00.000Z'
      await webhooks().replace({ ...(await present(webhook)), due_at: late })
      const edited = await replace(tasks(), editTask(task, { title: 'b' }, LATER), LATER)
      expect(edited).toBeDefined()
      expect(await state()).toEqual([late, 4])
      await clear()
      await remindOf(tasks(), owner, task.id, remind_at)
      expect(await state()).toEqual([remind_at, 6])
      await clear()
      const now = await taskOf(tasks(), owner, task.id)
      if (now) await remove(tasks(), now, LATER)
      expect(await state()).toEqual([LATER, 8])
      expect(await tasks().commit(commitOf(owner, []))).toMatchObject({ webhooks: false })
      expect(await state()).toEqual([LATER, 8])
      expect(await webhooks().get(owner, disabled.id)).toEqual(disabled)
    })

    test('a commit says whether any have become due', async () => {
      const owner = someone()
      const commit = async (): Promise<boolean | undefined> => {
        const task = await put(tasks(), owner, 'a')
        const result = await tasks().commit(
          commitOf(owner, [
            { op: 'remove', id: task.id, baseRevision: task.revision, revisionOffset: 1 },
          ]),
        )
        return result.status === 'committed' ? result.webhooks : undefined
      }
      expect(await commit()).toBe(false)
      const webhook = await make(owner, { disabled: 'failing' })
      expect(await commit()).toBe(false)
      expect(await webhooks().replace({ ...(await present(webhook)), disabled: null })).toBe(
        'replaced',
      )
      expect(await commit()).toBe(true)
      await webhooks().remove(owner, webhook.id)
      expect(await commit()).toBe(false)
    })

    test('that are due are found soonest first, due or not, so many at a time', async () => {
      const [owner, other] = [someone(), someone()]
      const at = (day: number) => `2001-01-0${day}T00:00:00.000Z`
      const second = await make(owner, { due_at: at(2) })
      const first = await make(other, { due_at: at(1) })
      const third = await make(owner, { due_at: at(3) })
      await make(owner)
      const expected = [
        { owner: other, id: first.id, at: at(1) },
        { owner, id: second.id, at: at(2) },
        { owner, id: third.id, at: at(3) },
      ]
      expect(await webhooks().due(3)).toEqual(expected)
      expect(await webhooks().due(1)).toEqual(expected.slice(0, 1))
      for (const [n, after] of expected.entries()) {
        expect(await webhooks().due(2 - n, after)).toEqual(expected.slice(n + 1))
      }
      await webhooks().replace({ ...first, due_at: null })
      expect(await webhooks().due(2)).toEqual(expected.slice(1))
      for (const { id } of [second, third]) await webhooks().remove(owner, id)
      const left = (await webhooks().due(100_000)).filter((each) =>
        [owner, other].includes(each.owner),
      )
      expect(left).toEqual([])
    })

    test('that are due at one time are found in pages, each once', async () => {
      const owners = [someone(), someone()]
      const made = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          make(owners[n % 2] as string, { due_at: '2001-01-01T00:00:00.000Z' }),
        ),
      )
      const ids: string[] = []
      for (let page = await webhooks().due(3); ids.length < 10; ) {
        expect(page).toHaveLength(Math.min(3, 10 - ids.length))
        ids.push(...page.map(({ id }) => id))
        page = await webhooks().due(Math.min(3, 10 - ids.length), page.at(-1))
      }
      expect(ids.toSorted()).toEqual(made.map(({ id }) => id).toSorted())
      for (const { user_id, id } of made) await webhooks().remove(user_id, id)
    })
  })
}
