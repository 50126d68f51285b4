import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryTaskStore } from '../../src/adapters/memory/task-store.ts'
import type { App } from '../../src/application/index.ts'
import type { Step, TaskStore } from '../../src/application/ports.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { appOf } from '../support/app.ts'
import { countingIds, revisionOf, tickingClock, uuid } from '../support/tasks.ts'

let tasks: TaskStore
let app: App

beforeEach(() => {
  tasks = memoryTaskStore()
  app = appOf({ tasks, now: tickingClock(), newId: countingIds() }, { taskQuota: 3 })
})

const titles = async (user: string) =>
  (await app.filterTasks(user, taskQuery()))?.tasks.map(({ title }) => title)

describe('CreateTask', () => {
  test('makes a task of the actor, created and updated at one time', async () => {
    const task = await app.createTask('alice', { title: 'Buy milk' })
    expect(task).toMatchObject({ user_id: 'alice', title: 'Buy milk', revision: 1 })
    expect(task.created_at).toBe('2026-02-10T12:00:00.000Z')
    expect(task.updated_at).toBe(task.created_at)
  })

  test('gives the id the time of creation', async () => {
    const seen: string[] = []
    const newId = (at: string) => {
      seen.push(at)
      return uuid(1)
    }
    const task = await appOf({ tasks, now: tickingClock(), newId }).createTask('alice', {
      title: 'x',
    })
    expect(seen).toEqual([task.created_at])
  })

  test('bad input is refused and stores nothing', async () => {
    await expect(app.createTask('alice', { title: ' ' })).rejects.toMatchObject({ kind: 'invalid' })
    expect(await titles('alice')).toEqual([])
  })

  test('stops at the quota, per user', async () => {
    for (const title of ['1', '2', '3']) await app.createTask('alice', { title })
    await expect(app.createTask('alice', { title: '4' })).rejects.toMatchObject({
      kind: 'quota-exceeded',
    })
    expect(await app.createTask('bob', { title: '1' })).toMatchObject({ revision: 1 })
  })
})

describe('GetTask', () => {
  test("finds one's own, in any spelling of the id; forbids another's; misses the rest", async () => {
    const { id } = await app.createTask('alice', { title: 'mine' })
    expect(await app.getTask('alice', id.toUpperCase())).toMatchObject({ title: 'mine' })
    await expect(app.getTask('bob', id)).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(app.getTask('alice', uuid(9_999_999))).rejects.toMatchObject({ kind: 'not-found' })
    await expect(app.getTask('alice', 'no-uuid')).rejects.toMatchObject({ kind: 'not-found' })
  })
})

describe('UpdateTask', () => {
  test('merges', async () => {
    const created = await app.createTask('alice', {
      title: 'a',
      description: 'kept',
      priority: 'low',
    })
    const updated = await app.updateTask('alice', created.id, { title: 'b', priority: null })
    expect(updated).toMatchObject({ title: 'b', description: 'kept', priority: null, revision: 2 })
    expect(updated.updated_at > created.updated_at).toBe(true)
  })

  test('a change that changes nothing is not written', async () => {
    const created = await app.createTask('alice', { title: 'a' })
    expect(await app.updateTask('alice', created.id, { title: 'a' })).toEqual(created)
    expect(await revisionOf(tasks, 'alice')).toBe(1)
  })

  test('a stale precondition is refused, also for a change that would change nothing', async () => {
    const created = await app.createTask('alice', { title: 'a' })
    await app.updateTask('alice', created.id, { title: 'b' }, [1])
    for (const title of ['b', 'c']) {
      await expect(app.updateTask('alice', created.id, { title }, [1])).rejects.toMatchObject({
        kind: 'stale',
        revision: 2,
      })
    }
    expect(await app.getTask('alice', created.id)).toMatchObject({ title: 'b', revision: 2 })
  })

  test('a writer that was overtaken starts over and keeps both changes', async () => {
    const created = await app.createTask('alice', { title: 'a' })
    let overtaken = false
    const racing: TaskStore = {
      ...tasks,
      write: async (step: Step) => {
        if (!overtaken) {
          overtaken = true
          await app.updateTask('alice', created.id, { description: 'from the other' })
        }
        return tasks.write(step)
      },
    }
    const other = appOf({ tasks: racing, now: tickingClock(), newId: countingIds() })
    expect(await other.updateTask('alice', created.id, { title: 'b' })).toMatchObject({
      title: 'b',
      description: 'from the other',
      revision: 3,
    })
  })

  test('gives up when it is overtaken for ever', async () => {
    const created = await app.createTask('alice', { title: 'a' })
    const busy: TaskStore = { ...tasks, write: async () => 'changed' }
    const other = appOf({ tasks: busy, now: tickingClock(), newId: countingIds() })
    await expect(other.updateTask('alice', created.id, { title: 'b' })).rejects.toMatchObject({
      kind: 'unavailable',
    })
    await expect(other.deleteTask('alice', created.id)).rejects.toMatchObject({
      kind: 'unavailable',
    })
  })

  test("another's is forbidden and untouched", async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    await expect(app.updateTask('bob', id, { title: 'stolen' })).rejects.toMatchObject({
      kind: 'forbidden',
    })
    await expect(app.completeTask('bob', id)).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(app.deleteTask('bob', id)).rejects.toMatchObject({ kind: 'forbidden' })
    expect(await titles('alice')).toEqual(['a'])
  })
})

describe('CompleteTask', () => {
  test('toggles without a wish', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    expect(await app.completeTask('alice', id)).toMatchObject({ completed: true, revision: 2 })
    expect(await app.completeTask('alice', id)).toMatchObject({ completed: false, revision: 3 })
  })

  test('sets with one, and is then safe to repeat', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    for (const _ of [1, 2]) {
      expect(await app.completeTask('alice', id, true)).toMatchObject({
        completed: true,
        revision: 2,
      })
    }
    await expect(app.completeTask('alice', id, false, [1])).rejects.toMatchObject({ kind: 'stale' })
  })
})

describe('DeleteTask', () => {
  test('is for good; a second one finds nothing', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    await expect(app.deleteTask('alice', id, [9])).rejects.toMatchObject({ kind: 'stale' })
    await app.deleteTask('alice', id, [1])
    await expect(app.deleteTask('alice', id)).rejects.toMatchObject({ kind: 'not-found' })
    expect(await titles('alice')).toEqual([])
  })
})

describe('FilterTasks', () => {
  test("lists only the actor's", async () => {
    await app.createTask('alice', { title: 'a' })
    await app.createTask('bob', { title: 'b' })
    expect(await titles('alice')).toEqual(['a'])
    expect(await titles('carol')).toEqual([])
  })

  test('reads no list while the revision is the one already seen', async () => {
    await app.createTask('alice', { title: 'a' })
    const unread: TaskStore = { ...tasks, list: () => Promise.reject(new Error('was read')) }
    const other = appOf({ tasks: unread, now: tickingClock(), newId: countingIds() })
    expect(await other.filterTasks('alice', taskQuery(), undefined, 1)).toBeUndefined()
    await expect(other.filterTasks('alice', taskQuery(), undefined, 2)).rejects.toThrow('was read')
  })
})
