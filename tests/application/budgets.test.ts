import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type { App } from '../../src/application/index.ts'
import type { TaskStore, WebhookStore } from '../../src/application/ports.ts'
import type { Budget } from '../../src/domain/budget.ts'
import { appOf } from '../support/app.ts'
import { countingIds, NOON, revisionOf, titlesOf } from '../support/tasks.ts'

let tasks: TaskStore
let webhooks: WebhookStore
let app: App
let left: Partial<Record<Budget, number>>
let spent: [budget: Budget, amount: number][]

const open = (options = {}): void => {
  ;({ tasks, webhooks } = memoryStorage())
  left = {}
  spent = []
  const spend = (_: string, budget: Budget, amount: number) => {
    const enough = amount <= (left[budget] ?? Number.POSITIVE_INFINITY)
    if (enough) spent.push([budget, amount])
    return { left: 0, wait: enough ? 0 : 1500, reset: 0 }
  }
  const now = () => NOON
  app = appOf({ tasks, webhooks, budgets: { spend }, now, newId: countingIds() }, options)
}
beforeEach(() => open())

const exceeded = { kind: 'too-many-requests', retryAfter: 1500 }
const amounts = (budget: Budget) =>
  spent.flatMap(([name, amount]) => (name === budget ? amount : []))

describe('budgets', () => {
  test('every operation is a write, a whole batch is refused', async () => {
    const { task } = await app.createTask('alice', { title: 'a' })
    await app.completeTask('alice', task.id)
    left = { writes: 2 }
    const operation = { op: 'create', draft: { title: 'b' } } as const
    await expect(app.changeTasks('alice', Array(3).fill(operation))).rejects.toMatchObject(exceeded)
    await app.changeTasks('alice', [operation, operation])
    left = { writes: 0 }
    await expect(app.deleteTask('alice', task.id)).rejects.toMatchObject(exceeded)
    expect(amounts('writes')).toEqual([1, 1, 2])
    expect(await titlesOf(tasks, 'alice')).toEqual(['a', 'b', 'b'])
  })

  test('what is stored counts, and what is kept for a retry', async () => {
    const description = 'é'.repeat(1000)
    const { task } = await app.createTask('alice', { title: 'a', description })
    const [created = 0] = amounts('stored')
    expect(created).toBeWithin(2000, 3000)
    await app.updateTask('alice', task.id, { title: 'b' }, 'any', { key: 'k', request: 'r' })
    await app.updateTask('alice', task.id, { title: 'c' })
    const [, keyed = 0, after = 0] = amounts('stored')
    expect(keyed).toBe(created)
    expect(after).toBeWithin(keyed + 2000, keyed + 3000)
    left = { stored: 1000 }
    const { revision } = (await app.getTask('alice', task.id)).document.value()
    await expect(app.completeTask('alice', task.id)).rejects.toMatchObject(exceeded)
    expect(await revisionOf(tasks, 'alice')).toBe(revision)
    await app.deleteTask('alice', task.id)
  })

  test('reminders cost nothing and are never refused', async () => {
    await app.createTask('alice', { title: 'a', remind_at: NOON })
    left = { writes: 0, stored: 0 }
    await app.sendReminders()
    expect(await revisionOf(tasks, 'alice')).toBe(2)
  })

  test('webhooks are writes, pings and replays have budgets of their own', async () => {
    const url = 'https://hooks.example.com/'
    const { webhook } = await app.createWebhook('alice', url, ['task.changed'])
    await app.rotateSecret('alice', webhook.id)
    await app.pingWebhook('alice', webhook.id)
    await app.replayWebhook('alice', webhook.id, 0)
    expect(spent).toEqual([
      ['writes', 1],
      ['writes', 1],
      ['pings', 1],
      ['replays', 1],
    ])
    left = { writes: 0, pings: 0, replays: 0 }
    const before = await webhooks.get('alice', webhook.id)
    for (const refused of [
      () => app.createWebhook('alice', url, ['task.changed']),
      () => app.rotateSecret('alice', webhook.id),
      () => app.pingWebhook('alice', webhook.id),
      () => app.replayWebhook('alice', webhook.id, 0),
    ]) {
      await expect(refused()).rejects.toMatchObject(exceeded)
    }
    expect(await webhooks.get('alice', webhook.id)).toEqual(before)
    await app.deleteWebhook('alice', webhook.id)
  })
})

describe('the quota in bytes', () => {
  const description = 'é'.repeat(1000)
  const full = { kind: 'quota-exceeded' }

  test('bounds all documents of a user; what changes no text, and what shrinks, fits always', async () => {
    open({ storageQuota: 0.0047 })
    const { task } = await app.createTask('alice', { title: 'a', description, due_date: null })
    const { task: other } = await app.createTask('alice', { title: 'b', description })
    await expect(app.createTask('alice', { title: 'c' })).rejects.toMatchObject(full)
    await expect(
      app.updateTask('alice', other.id, { title: 'b'.repeat(200) }),
    ).rejects.toMatchObject(full)
    await app.createTask('bob', { title: 'b', description })
    await app.completeTask('alice', task.id)
    await app.completeTask('alice', other.id)
    await app.updateTask('alice', task.id, { description: 'short' })
    await app.createTask('alice', { title: 'c', description: 'é'.repeat(900) })
    await app.deleteTask('alice', other.id)
    await app.createTask('alice', { title: 'd', description })
    await expect(app.createTask('alice', { title: 'e' })).rejects.toMatchObject(full)
  })
})
