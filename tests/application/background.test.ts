import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type { App } from '../../src/application/index.ts'
import type { Job, TaskStore, WebhookStore } from '../../src/application/ports.ts'
import { later } from '../../src/domain/due-date.ts'
import { appOf, idleQueue } from '../support/app.ts'
import { linesOf } from '../support/changes.ts'
import {
  commitOf,
  countingIds,
  NOON,
  put,
  remove,
  replace,
  revisionOf,
  taskOf,
} from '../support/tasks.ts'
import { webhookOf } from '../support/webhooks.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const at = (minutes: number): string => later(NOON, minutes * MINUTE)

let tasks: TaskStore
let webhooks: WebhookStore
let now: string
let queued: Job[]

const open = (store: Partial<TaskStore> = {}): App =>
  appOf({
    tasks: { ...tasks, ...store },
    webhooks,
    now: () => now,
    newId: countingIds(),
    jobs: { ...idleQueue, enqueue: async (jobs) => void queued.push(...jobs) },
  })

beforeEach(() => {
  const storage = memoryStorage()
  tasks = storage.tasks
  webhooks = storage.webhooks
  now = NOON
  queued = []
})

describe('SendReminders', () => {
  test('sends all that are due, once, to those who follow, and returns when the next is due', async () => {
    const app = open()
    for (let n = 0; n < 300; n++) await put(tasks, 'alice', { title: `${n}`, remind_at: at(60) })
    await put(tasks, 'bob', { title: 'later', remind_at: at(90) })
    const ahead = app.followChanges('alice', null, 1000)
    await ahead.next()
    expect(await app.sendReminders()).toBe(at(60))
    expect(await revisionOf(tasks, 'alice')).toBe(300)
    now = at(60)
    const next = ahead.next()
    expect(await app.sendReminders()).toBe(at(90))
    expect((await next)?.changes.value().length).toBeGreaterThanOrEqual(40)
    expect(await app.sendReminders()).toBe(at(90))
    expect(await revisionOf(tasks, 'alice')).toBe(600)
    now = at(90)
    expect(await app.sendReminders()).toBeUndefined()
    expect(await revisionOf(tasks, 'bob')).toBe(2)
    ahead.stop()
  })

  test('goes on without tasks that were deleted, completed or moved since they were found', async () => {
    const make = (title: string) => put(tasks, 'alice', { title, remind_at: NOON })
    const [gone, done, moved, due] = [
      await make('gone'),
      await make('done'),
      await make('moved'),
      await make('due'),
    ]
    let looks = 0
    const app = open({
      reminders: async (limit) => {
        const found = await tasks.reminders(limit)
        if (++looks === 1) {
          await remove(tasks, gone)
          await replace(tasks, { ...done, completed: true })
          await replace(tasks, { ...moved, remind_at: at(30) })
        }
        return found
      },
    })
    expect(await app.sendReminders()).toBe(at(30))
    expect(looks).toBeLessThanOrEqual(3)
    for (const [{ id }, reminded_at] of [
      [moved, null],
      [done, null],
      [due, NOON],
    ] as const) {
      expect(await taskOf(tasks, 'alice', id)).toMatchObject({ reminded_at })
    }
  })

  test('ends although every task it finds is gone', async () => {
    const task = await put(tasks, 'alice', { title: 'a', remind_at: NOON })
    const found = await tasks.reminders(10)
    await remove(tasks, task)
    let looks = 0
    const app = open({
      reminders: async () => {
        if (++looks > 10) throw new Error('It looks for reminders again and again.')
        return [...found, { owner: 'bob', id: task.id, at: at(5) }]
      },
    })
    expect(await app.sendReminders()).toBe(at(5))
  })

  test('a deleted account does not keep the reminders of others', async () => {
    await put(tasks, 'alice', { title: 'a', remind_at: NOON })
    const { id } = await put(tasks, 'bob', { title: 'b', remind_at: NOON })
    const app = open({
      reminders: async (limit) => {
        const found = await tasks.reminders(limit)
        await tasks.deleteAccount('alice', now)
        return found
      },
    })
    expect(await app.sendReminders()).toBeUndefined()
    expect(await taskOf(tasks, 'bob', id)).toMatchObject({ reminded_at: NOON })
  })

  test('a storage that is away ends it with an error', async () => {
    await put(tasks, 'alice', { title: 'a', remind_at: NOON })
    const app = open({ commit: async () => ({ status: 'conflict' }) })
    await expect(app.sendReminders()).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

describe('EnqueueDeliveries', () => {
  test('enqueues what is due, and returns when to look again', async () => {
    const app = open()
    expect(await app.enqueueDeliveries()).toBeUndefined()
    const soon = webhookOf('alice', { due_at: at(0) })
    const late = webhookOf('bob', { due_at: at(5) })
    for (const webhook of [late, soon, webhookOf('carol')]) await webhooks.create(webhook, 10)
    expect(await app.enqueueDeliveries()).toBe(later(NOON, 1000))
    expect(queued).toEqual([{ name: 'deliver', owner: 'alice', id: soon.id }])
    await webhooks.replace({ ...soon, due_at: null })
    expect(await app.enqueueDeliveries()).toBe(at(5))
    expect(queued).toHaveLength(1)
    now = at(5)
    await app.enqueueDeliveries()
    expect(queued).toContainEqual({ name: 'deliver', owner: 'bob', id: late.id })
  })

  test('a clock that is set back delays no message', async () => {
    const sent: string[] = []
    const app = appOf({
      tasks,
      webhooks,
      now: () => now,
      steadyNow: () => at(20),
      newId: countingIds(),
      send: async (url) => {
        sent.push(url)
        return { ok: true }
      },
      jobs: { ...idleQueue, enqueue: async (jobs) => void queued.push(...jobs) },
    })
    await app.createWebhook('alice', 'https://hooks.example.com/', ['task.changed'])
    now = at(20)
    await app.createTask('alice', { title: 'a' })
    now = at(0)
    await app.enqueueDeliveries()
    const [job] = queued
    if (!job) throw new Error('Nothing was enqueued.')
    await app.runJob(job)
    expect(sent).toHaveLength(1)
  })

  test('visits all that are due in turns of 500, so that none hides another, and begins again', async () => {
    const app = open()
    for (let n = 0; n < 1201; n++) {
      await webhooks.create(webhookOf(`${n % 200}`, { due_at: at(n < 1200 ? 0 : 1) }), 10)
    }
    const counts: number[] = []
    for (const next of [NOON, NOON, later(NOON, 1000), NOON]) {
      expect(await app.enqueueDeliveries()).toBe(next)
      counts.push(queued.length)
    }
    expect(counts).toEqual([500, 1000, 1200, 1700])
    expect(new Set(queued.slice(0, 1200).map(({ id }) => id)).size).toBe(1200)
  })
})

describe('PurgeExpired', () => {
  const afterDays = (days: number): void => {
    now = later(NOON, days * DAY)
  }

  test('purges records after a day and tombstones after 90', async () => {
    const app = open()
    const key = { key: 'k', request: 'r' }
    const { task } = await app.createTask('alice', { title: 'a' }, key)
    await app.deleteTask('alice', task.id)
    for (const [days, record, compacted] of [
      [1, true, 0],
      [1.01, false, 0],
      [90, false, 0],
      [90.01, false, 2],
    ] as const) {
      afterDays(days)
      await app.purgeExpired()
      const { compactedRevision } = await tasks.changes('alice', 0, 0, 1)
      const kept = (await tasks.idempotencyRecord('alice', 'k')) !== undefined
      expect([days, kept, compactedRevision]).toEqual([days, record, compacted])
    }
    const position = { revision: 1, timeline: null, snapshot: null }
    await expect(app.listChanges('alice', position, 10)).rejects.toMatchObject({ kind: 'gone' })
  })

  test('removes everything that has expired, of however many owners, and then ends', async () => {
    const owners = Array.from({ length: 250 }, (_, n) => `owner ${n}`)
    for (const owner of owners) await remove(tasks, await put(tasks, owner, 'a'))
    await tasks.deleteAccount('owner 0', NOON)
    const record = { key: 'k', request: '', at: NOON, changes: [] }
    await tasks.commit(commitOf('another', [], { idempotency: record }))
    const kept = await put(tasks, 'owner 1', 'kept')
    afterDays(91)
    let looks = 0
    let removed = 0
    const app = open({
      expired: (horizon, limit) => {
        if (++looks > 20) throw new Error('It looks for expired rows again and again.')
        return tasks.expired(horizon, limit)
      },
      purge: async (...slice) => {
        const count = await tasks.purge(...slice)
        removed += count
        return count
      },
    })
    await app.purgeExpired()
    // Of each owner the row of the creation and that of the deletion; a mark, a record.
    expect(removed).toBe(249 * 2 + 1 + 1)
    await app.purgeExpired()
    expect(removed).toBe(249 * 2 + 1 + 1)
    const { changes } = await app.listChanges('owner 1', null, 10)
    expect(linesOf(changes.value())).toEqual(['3 kept'])
    expect(await taskOf(tasks, 'owner 1', kept.id)).toEqual(kept)
    expect(await put(tasks, 'owner 0', 'anew')).toMatchObject({ revision: 1 })
  })

  test('ends when a storage names an owner for whom it removes nothing', async () => {
    let purges = 0
    const app = open({
      expired: async () => ['alice'],
      purge: async () => {
        if (++purges > 10) throw new Error('It purges again and again.')
        return purges === 1 ? 5 : 0
      },
    })
    await app.purgeExpired()
    expect(purges).toBe(3)
  })
})
