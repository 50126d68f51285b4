import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type { App } from '../../src/application/index.ts'
import type { Commit, TaskStore } from '../../src/application/ports.ts'
import type { TaskDraft } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import type { Version } from '../../src/domain/version.ts'
import { appOf } from '../support/app.ts'
import { countingIds, revisionOf, tickingClock, titlesOf, uuid } from '../support/tasks.ts'

let tasks: TaskStore
let app: App

beforeEach(() => {
  tasks = memoryStorage().tasks
  app = appOf({ tasks, now: tickingClock(), newId: countingIds() }, { taskQuota: 3 })
})

const titles = (user: string) => titlesOf(tasks, user)

const create = async (user: string, draft: TaskDraft) => (await app.createTask(user, draft)).task

const read = async (user: string, id: string) => (await app.getTask(user, id)).document.value()

const at = (revision: number) => [{ revision, timeline: null }]

describe('CreateTask', () => {
  test('makes a task of the actor, created and updated at one time', async () => {
    const { task, version, replayed } = await app.createTask('alice', { title: 'Buy milk' })
    expect(task).toMatchObject({ user_id: 'alice', title: 'Buy milk', revision: 1 })
    expect(task.created_at).toBe('2026-02-10T12:00:00.000Z')
    expect(task.updated_at).toBe(task.created_at)
    expect(replayed).toBe(false)
    expect(await app.getTask('alice', task.id)).toMatchObject({ version })
    expect(await read('alice', task.id)).toEqual(task)
  })

  test('gives the id the time of creation', async () => {
    const seen: string[] = []
    const newId = (time: string) => {
      seen.push(time)
      return uuid(1)
    }
    const { task } = await appOf({ tasks, now: tickingClock(), newId }).createTask('alice', {
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
    expect(await create('bob', { title: '1' })).toMatchObject({ revision: 1 })
  })

  test('asks for the reminders to be sent when the first is due', async () => {
    const wakes: string[] = []
    const wake = (job: string, time: string) => void wakes.push(`${job} ${time}`)
    const timed = appOf({ tasks, now: tickingClock(), newId: countingIds(), wake })
    const remind_at = '2026-02-10T13:00:00.000Z'
    const { task } = await timed.createTask('alice', { title: 'a', remind_at })
    await timed.createTask('alice', { title: 'b' })
    await timed.updateTask('alice', task.id, { remind_at: '2026-02-10T14:00:00Z' })
    await timed.completeTask('alice', task.id)
    expect(wakes).toEqual([
      'send-reminders 2026-02-10T13:00:00.000Z',
      'send-reminders 2026-02-10T14:00:00.000Z',
    ])
  })
})

describe('GetTask', () => {
  test("finds one's own, in any spelling of the id; forbids another's; misses the rest", async () => {
    const { id } = await create('alice', { title: 'mine' })
    expect(await read('alice', id.toUpperCase())).toMatchObject({ title: 'mine' })
    await expect(app.getTask('bob', id)).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(app.getTask('alice', uuid(9_999_999))).rejects.toMatchObject({ kind: 'not-found' })
    await expect(app.getTask('alice', 'no-uuid')).rejects.toMatchObject({ kind: 'not-found' })
  })
})

describe('UpdateTask', () => {
  test('merges', async () => {
    const created = await create('alice', { title: 'a', description: 'kept', priority: 'low' })
    const patch = { title: 'b', priority: null }
    const { task } = await app.updateTask('alice', created.id, patch)
    expect(task).toMatchObject({ title: 'b', description: 'kept', priority: null, revision: 2 })
    expect(task.updated_at > created.updated_at).toBe(true)
    expect(task.created_at).toBe(created.created_at)
  })

  test('a change that changes nothing is not written', async () => {
    const created = await app.createTask('alice', { title: 'a' })
    const { id } = created.task
    expect(await app.updateTask('alice', id, { title: 'a' })).toEqual(created)
    expect(await revisionOf(tasks, 'alice')).toBe(1)
  })

  test('a stale precondition is refused, also for a change that would change nothing', async () => {
    const { task, version } = await app.createTask('alice', { title: 'a' })
    const edited = await app.updateTask('alice', task.id, { title: 'b' }, [version])
    for (const title of ['b', 'c']) {
      for (const seen of [at(1), [version], [{ revision: 2, timeline: 'another' }]]) {
        await expect(app.updateTask('alice', task.id, { title }, seen)).rejects.toMatchObject({
          kind: 'stale',
          version: edited.version,
        })
      }
    }
    expect(await read('alice', task.id)).toMatchObject({ title: 'b', revision: 2 })
  })

  test('a writer that was overtaken starts over and keeps both changes', async () => {
    const { id } = await create('alice', { title: 'a' })
    let overtaken = false
    const racing: TaskStore = {
      ...tasks,
      commit: async (commit: Commit) => {
        if (!overtaken) {
          overtaken = true
          await app.updateTask('alice', id, { description: 'from the other' })
        }
        return tasks.commit(commit)
      },
    }
    const other = appOf({ tasks: racing, now: tickingClock(), newId: countingIds() })
    expect((await other.updateTask('alice', id, { title: 'b' })).task).toMatchObject({
      title: 'b',
      description: 'from the other',
      revision: 3,
    })
  })

  test('gives up when it is overtaken for ever', async () => {
    const { id } = await create('alice', { title: 'a' })
    const busy: TaskStore = { ...tasks, commit: async () => ({ status: 'conflict' }) }
    const other = appOf({ tasks: busy, now: tickingClock(), newId: countingIds() })
    const unavailable = { kind: 'unavailable' }
    await expect(other.updateTask('alice', id, { title: 'b' })).rejects.toMatchObject(unavailable)
    await expect(other.deleteTask('alice', id)).rejects.toMatchObject(unavailable)
  })

  test("another's is forbidden and untouched", async () => {
    const { id } = await create('alice', { title: 'a' })
    const forbidden = { kind: 'forbidden' }
    await expect(app.updateTask('bob', id, { title: 'stolen' })).rejects.toMatchObject(forbidden)
    await expect(app.completeTask('bob', id)).rejects.toMatchObject(forbidden)
    await expect(app.deleteTask('bob', id)).rejects.toMatchObject(forbidden)
    expect(await titles('alice')).toEqual(['a'])
  })
})

describe('CompleteTask', () => {
  test('toggles unless it is said what is wanted', async () => {
    const { id } = await create('alice', { title: 'a' })
    for (const [completed, revision] of [
      [true, 2],
      [false, 3],
    ] as const) {
      expect((await app.completeTask('alice', id)).task).toMatchObject({ completed, revision })
    }
  })

  test('sets what is wanted, and is then safe to repeat', async () => {
    const { id } = await create('alice', { title: 'a' })
    for (const _ of ['first', 'again']) {
      const { task } = await app.completeTask('alice', id, true)
      expect(task).toMatchObject({ completed: true, revision: 2 })
    }
    await expect(app.completeTask('alice', id, false, at(1))).rejects.toMatchObject({
      kind: 'stale',
    })
  })
})

describe('DeleteTask', () => {
  test('is for good; a second one finds nothing', async () => {
    const { id } = await create('alice', { title: 'a' })
    await expect(app.deleteTask('alice', id, at(9))).rejects.toMatchObject({ kind: 'stale' })
    await app.deleteTask('alice', id, at(1))
    await expect(app.deleteTask('alice', id)).rejects.toMatchObject({ kind: 'not-found' })
    expect(await titles('alice')).toEqual([])
  })
})

describe('FilterTasks', () => {
  test("lists only the actor's", async () => {
    await app.createTask('alice', { title: 'a' })
    await app.createTask('bob', { title: 'b' })
    for (const [user, expected] of [
      ['alice', ['a']],
      ['carol', []],
    ] as const) {
      const { list, version } = await app.filterTasks(user, taskQuery())
      expect(list?.tasks.value().map(({ title }) => title)).toEqual([...expected])
      expect(list?.version).toEqual(version)
    }
  })

  test('reads no list while the version is one already known', async () => {
    const { version } = await app.createTask('alice', { title: 'a' })
    const unread: TaskStore = { ...tasks, list: () => Promise.reject(new Error('was read')) }
    const other = appOf({ tasks: unread, now: tickingClock(), newId: countingIds() })
    const seen: Version[] = []
    const ask = (user: string, known: boolean) =>
      other.filterTasks(user, taskQuery(), undefined, (current) => {
        seen.push(current)
        return known
      })
    const none = { revision: 0, timeline: '' }
    expect(await ask('alice', true)).toEqual({ version, list: undefined })
    expect(await ask('nobody', true)).toEqual({ version: none, list: undefined })
    await expect(ask('alice', false)).rejects.toThrow('was read')
    expect(seen).toEqual([version, none, version])
  })
})

describe('DeleteAccount', () => {
  test('leaves nothing, and later changes are refused', async () => {
    const { id } = await create('alice', { title: 'a' })
    await app.deleteAccount('alice')
    expect(await titles('alice')).toEqual([])
    await expect(app.getTask('alice', id)).rejects.toMatchObject({ kind: 'not-found' })
    await expect(create('alice', { title: 'b' })).rejects.toMatchObject({
      kind: 'unauthenticated',
    })
  })
})

test('batches of one user take turns, and hold up no other user', async () => {
  const order: string[] = []
  const commit: TaskStore['commit'] = async (step) => {
    order.push(step.owner)
    return tasks.commit(step)
  }
  const fair = appOf({ tasks: { ...tasks, commit }, now: tickingClock(), newId: countingIds() })
  const batch = (user: string) =>
    fair.changeTasks(user, Array(100).fill({ op: 'create', draft: { title: 'a' } }))
  await Promise.all([...Array.from({ length: 10 }, () => batch('alice')), batch('bob')])
  expect(order.slice(0, 2).sort()).toEqual(['alice', 'bob'])
  expect(order).toHaveLength(11)
})
