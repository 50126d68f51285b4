import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { execute } from '../../src/application/execute.ts'
import type { App } from '../../src/application/index.ts'
import type { TaskStore } from '../../src/application/ports.ts'
import type { FeedPosition } from '../../src/domain/change.ts'
import { appOf } from '../support/app.ts'
import { linesOf } from '../support/changes.ts'
import {
  countingIds,
  NOON,
  revisionOf,
  taskOf,
  tickingClock,
  titlesOf,
  uuid,
  writePorts,
} from '../support/tasks.ts'

let tasks: TaskStore
let app: App

beforeEach(() => {
  tasks = memoryStorage().tasks
  app = appOf({ tasks, now: tickingClock(), newId: countingIds() }, { taskQuota: 5 })
})

const titles = (user: string) => titlesOf(tasks, user)

const create = async (title: string, user = 'alice') => (await app.createTask(user, { title })).task

const seen = (revision: number) => [{ revision, timeline: null }]

const position = (revision: number): FeedPosition => ({ revision, timeline: null, snapshot: null })

describe('ChangeTasks', () => {
  test('works down the list, one revision for each change', async () => {
    const { id } = await create('a')
    const { changes, replayed } = await app.changeTasks('alice', [
      { op: 'update', id, patch: { title: 'b' }, precondition: seen(1) },
      { op: 'update', id, patch: { title: 'b' }, precondition: 'any' },
      { op: 'create', draft: { title: 'new' } },
      { op: 'complete', id: id.toUpperCase(), precondition: seen(1) },
      { op: 'complete', id, want: true, precondition: 'any' },
      { op: 'delete', id, precondition: 'any' },
    ])
    expect(replayed).toBe(false)
    const deleted = `5 deleted ${id}`
    expect(linesOf(changes)).toEqual(['2 b', '2 b', '3 new', '4 b', '4 b', deleted])
    const feed = await app.listChanges('alice', position(1), 10)
    expect(linesOf(feed.changes.value())).toEqual(['3 new', deleted])
    expect(feed.position.revision).toBe(5)
  })

  test('what changes nothing takes no revision and is not written', async () => {
    const { id } = await create('a')
    const unwritten: TaskStore = { ...tasks, commit: () => Promise.reject(new Error('written')) }
    const other = appOf({ tasks: unwritten, now: tickingClock(), newId: countingIds() })
    const { changes } = await other.changeTasks('alice', [
      { op: 'update', id, patch: { title: ' a ' }, precondition: 'any' },
      { op: 'complete', id, want: false, precondition: 'any' },
    ])
    expect(linesOf(changes)).toEqual(['1 a', '1 a'])
    expect(await revisionOf(tasks, 'alice')).toBe(1)
  })

  test('toggling twice is two changes that end where they began', async () => {
    const { id } = await create('a')
    const toggle = { op: 'complete', id, precondition: 'any' } as const
    const { changes } = await app.changeTasks('alice', [toggle, toggle])
    expect(changes).toMatchObject([
      { revision: 2, task: { completed: true } },
      { revision: 3, task: { completed: false } },
    ])
    expect(await taskOf(tasks, 'alice', id)).toMatchObject({ completed: false, revision: 3 })
  })

  test('one that cannot be executed lets none be executed, and the error names it', async () => {
    const [{ id }, theirs] = [await create('a'), await create('theirs', 'bob')]
    const make = { op: 'create', draft: { title: 'new' } } as const
    const erase = { op: 'delete', id, precondition: 'any' } as const
    for (const [operation, kind, fields] of [
      [{ ...erase, id: uuid(77) }, 'not-found', []],
      [{ ...erase, id: 'no id' }, 'not-found', []],
      [{ ...erase, id: theirs.id }, 'forbidden', []],
      [{ ...erase, precondition: seen(9) }, 'stale', []],
    ] as const) {
      await expect(app.changeTasks('alice', [make, operation, erase])).rejects.toMatchObject({
        kind,
        operation: 1,
        issues: fields,
      })
    }
    const patch = { due_date: 'x' }
    for (const [operation, field] of [
      [{ op: 'create', draft: { title: ' ' } }, 'title'],
      [{ op: 'update', id, patch, precondition: 'any' }, 'due_date'],
    ] as const) {
      await expect(app.changeTasks('alice', [make, operation, erase])).rejects.toMatchObject({
        kind: 'invalid',
        issues: [{ field, operation: 1 }],
      })
    }
    await expect(app.changeTasks('alice', [erase, make, erase])).rejects.toMatchObject({
      kind: 'not-found',
      operation: 2,
    })
    await expect(app.changeTasks('alice', Array(5).fill(make))).rejects.toMatchObject({
      kind: 'quota-exceeded',
      operation: undefined,
    })
    expect(await titles('alice')).toEqual(['a'])
    expect(await revisionOf(tasks, 'alice')).toBe(1)
  })

  test('of several tasks that are not there the first is named, whatever else is wrong', async () => {
    const { id } = await create('a')
    const erase = (of: string) => ({ op: 'delete', id: of, precondition: 'any' }) as const
    await expect(
      app.changeTasks('alice', [erase(id), erase(uuid(78)), erase('no id')]),
    ).rejects.toMatchObject({ kind: 'not-found', operation: 1 })
    await expect(
      app.changeTasks('alice', [erase('no id'), erase(id), erase(uuid(78))]),
    ).rejects.toMatchObject({ kind: 'not-found', operation: 0 })
  })

  test('every bad field of every operation is named at once', async () => {
    const bad = { op: 'create', draft: { title: '', due_date: 'never' } } as const
    await expect(app.changeTasks('alice', [bad, bad])).rejects.toMatchObject({
      kind: 'invalid',
      issues: [
        { field: 'title', operation: 0 },
        { field: 'due_date', operation: 0 },
        { field: 'title', operation: 1 },
        { field: 'due_date', operation: 1 },
      ],
    })
  })

  test('starts over with all of it when another writer was faster', async () => {
    const { id } = await create('a')
    let overtaken = false
    const racing: TaskStore = {
      ...tasks,
      commit: async (commit) => {
        if (!overtaken) {
          overtaken = true
          await app.completeTask('alice', id)
        }
        return tasks.commit(commit)
      },
    }
    const other = appOf({ tasks: racing, now: tickingClock(), newId: countingIds() })
    const { changes } = await other.changeTasks('alice', [
      { op: 'create', draft: { title: 'new' } },
      { op: 'update', id, patch: { title: 'b' }, precondition: 'any' },
    ])
    expect(linesOf(changes)).toEqual(['3 new', '4 b'])
    expect(changes[1]).toMatchObject({ task: { completed: true } })
    expect(await titles('alice')).toEqual(['b', 'new'])
  })
})

describe('execute', () => {
  const portsOf = (store: TaskStore) => {
    const events: unknown[] = []
    return {
      ...writePorts,
      events,
      tasks: store,
      now: () => NOON,
      newId: countingIds(),
      wake: (job: string, at: string) => void events.push(`${job} ${at}`),
      notify: (owner: string, revision: number) => void events.push(`${owner} ${revision}`),
    }
  }

  test('after conflicts it commits what it decides anew, once, and notifies once', async () => {
    const { id } = await create('a')
    let conflicts = 3
    const commits: (number | undefined)[] = []
    const ports = portsOf({
      ...tasks,
      commit: async (commit) => {
        const [write] = commit.writes
        commits.push(write && 'baseRevision' in write ? write.baseRevision : undefined)
        if (conflicts-- > 0) await app.completeTask('alice', id)
        return tasks.commit(commit)
      },
    })
    const { changes, replayed } = await execute(ports, 'alice', [
      { op: 'update', id, patch: { title: 'b' }, precondition: 'any' },
    ])
    expect(commits).toEqual([1, 2, 3, 4])
    expect(replayed).toBe(false)
    expect(changes).toMatchObject([
      { change: { revision: 5, task: { title: 'b', completed: true } }, version: { revision: 5 } },
    ])
    expect(ports.events).toEqual(['alice 5'])
  })

  test('wakes the deliveries when the owner has a webhook, and only then', async () => {
    const ports = portsOf({
      ...tasks,
      commit: async (commit) => ({ ...(await tasks.commit(commit)), webhooks: true }) as never,
    })
    await execute(ports, 'alice', [{ op: 'create', draft: { title: 'a' } }])
    expect(ports.events).toEqual(['alice 1', `enqueue-deliveries ${NOON}`])
  })
})

describe('a request with an idempotency key', () => {
  const key = (name: string, request = name) => ({ key: name, request })

  test('that is repeated is executed once, and returns the task as it was then', async () => {
    const first = await app.createTask('alice', { title: 'a' }, key('k'))
    const again = () => app.createTask('alice', { title: 'a' }, key('k'))
    expect(await again()).toEqual({ ...first, replayed: true })
    await app.updateTask('alice', first.task.id, { title: 'b' })
    expect(await again()).toEqual({ ...first, replayed: true })
    expect(await titles('alice')).toEqual(['b'])
    const other = await app.createTask('alice', { title: 'a' }, key('another key'))
    expect(other).toMatchObject({ task: { revision: 3 }, replayed: false })
    const theirs = await app.createTask('bob', { title: 'a' }, key('k'))
    expect(theirs).toMatchObject({ task: { revision: 1 }, replayed: false })
    await app.deleteTask('alice', first.task.id)
    expect(await again()).toEqual({ ...first, replayed: true })
    expect(await titles('alice')).toEqual(['a'])
  })

  test('of 100 at once one is executed, and all return what it did', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => app.createTask('alice', { title: 'a' }, key('k'))),
    )
    expect(new Set(all.map(({ task }) => JSON.stringify(task))).size).toBe(1)
    expect(all.filter(({ replayed }) => replayed)).toHaveLength(99)
    expect(await titles('alice')).toEqual(['a'])
  })

  test('is looked for before the precondition and the task are', async () => {
    const { id } = await create('a')
    const toggle = () => app.completeTask('alice', id, undefined, seen(1), key('toggle'))
    const first = await toggle()
    expect(await toggle()).toEqual({ ...first, replayed: true })
    const erase = () => app.deleteTask('alice', id, seen(2), key('delete'))
    expect(await erase()).toEqual({ replayed: false })
    expect(await erase()).toEqual({ replayed: true })
    expect(await toggle()).toEqual({ ...first, replayed: true })
    expect(await revisionOf(tasks, 'alice')).toBe(3)
  })

  test('that is another request with a known key is refused and does nothing', async () => {
    const { task } = await app.createTask('alice', { title: 'a' }, key('k', 'create a'))
    for (const step of [
      () => app.createTask('alice', { title: 'b' }, key('k', 'create b')),
      () => app.updateTask('alice', task.id, { title: 'b' }, 'any', key('k', 'update')),
      () => app.deleteTask('alice', uuid(78), 'any', key('k', 'delete')),
    ]) {
      await expect(step()).rejects.toMatchObject({ kind: 'key-reused' })
    }
    expect(await titles('alice')).toEqual(['a'])
  })

  test('that changed nothing does not happen later either', async () => {
    const { id } = await create('a')
    const same = () => app.updateTask('alice', id, { title: 'a' }, 'any', key('k'))
    expect(await same()).toMatchObject({ task: { revision: 1 }, replayed: false })
    await app.updateTask('alice', id, { title: 'of another' })
    expect(await same()).toMatchObject({ task: { title: 'a', revision: 1 }, replayed: true })
    expect(await titles('alice')).toEqual(['of another'])
    expect(await revisionOf(tasks, 'alice')).toBe(2)
  })

  test('that failed may be sent again with its key', async () => {
    const { id } = await create('a')
    const update = (revision: number) =>
      app.updateTask('alice', id, { title: 'b' }, seen(revision), key('k'))
    await expect(update(9)).rejects.toMatchObject({ kind: 'stale' })
    expect(await update(1)).toMatchObject({ task: { title: 'b' }, replayed: false })
  })

  test('the first one, still running when it is sent again, is not in its own way', async () => {
    const { id } = await create('a')
    for (const step of [
      (other: App) => other.completeTask('alice', id, true, seen(1), key('complete')),
      (other: App) => other.deleteTask('alice', id, 'any', key('delete')),
    ]) {
      let looked = false
      const late: TaskStore = {
        ...tasks,
        idempotencyRecord: async (owner, wanted) => {
          const found = await tasks.idempotencyRecord(owner, wanted)
          if (!looked) {
            looked = true
            await step(app)
          }
          return found
        },
      }
      const other = appOf({ tasks: late, now: tickingClock(), newId: countingIds() })
      expect(await step(other)).toMatchObject({ replayed: true })
    }
    expect(await revisionOf(tasks, 'alice')).toBe(3)
  })

  test('a batch is repeated with its tasks as they were then, until that is forgotten', async () => {
    const { id } = await create('there')
    const make = { op: 'create', draft: { title: 'a' } } as const
    const operations = [make, make, { op: 'delete', id, precondition: 'any' }] as const
    const batch = () => app.changeTasks('alice', operations, key('k'))
    const first = await batch()
    expect(await batch()).toEqual({ ...first, replayed: true })
    const [a, b] = first.changes.map((change) => (change.op === 'upsert' ? change.task.id : ''))
    await app.updateTask('alice', a ?? '', { title: 'edited' })
    await app.deleteTask('alice', b ?? '')
    expect(await batch()).toEqual({ ...first, replayed: true })
    const noBefore: TaskStore = { ...tasks, tasksAt: async () => [] }
    const other = appOf({ tasks: noBefore, now: tickingClock(), newId: countingIds() })
    const again = await other.changeTasks('alice', operations, key('k'))
    expect(linesOf(again.changes)).toEqual([`2 deleted ${a}`, `3 deleted ${b}`, `4 deleted ${id}`])
    expect(await titles('alice')).toEqual(['edited'])
    expect(await revisionOf(tasks, 'alice')).toBe(6)
  })
})
