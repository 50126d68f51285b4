import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryTaskStore } from '../../src/adapters/memory/task-store.ts'
import { forgetOld } from '../../src/application/forget-old.ts'
import type { App } from '../../src/application/index.ts'
import type { Step, TaskStore } from '../../src/application/ports.ts'
import type { Change, FeedPosition } from '../../src/domain/change.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import { appOf } from '../support/app.ts'
import { countingIds, put, revisionOf, tickingClock, uuid } from '../support/tasks.ts'

let tasks: TaskStore
let app: App
let time: string

beforeEach(() => {
  tasks = memoryTaskStore()
  app = appOf({ tasks, now: tickingClock(), newId: countingIds() }, { taskQuota: 5 })
})

const titles = async (user: string) =>
  (await app.filterTasks(user, taskQuery({ order: 'asc' })))?.tasks.map(({ title }) => title)

const told = (changes: readonly Change[]): string[] =>
  changes.map((change) =>
    change.op === 'upsert'
      ? `${change.revision} ${change.task.title}${change.task.completed ? ', done' : ''}`
      : `${change.revision} deleted`,
  )

describe('ChangeTasks', () => {
  test('works down the list, one revision for each change', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    const changes = await app.changeTasks('alice', [
      { op: 'update', id, patch: { title: 'b' }, precondition: [1] },
      { op: 'update', id, patch: { title: 'b' }, precondition: 'any' },
      { op: 'create', draft: { title: 'new' } },
      { op: 'complete', id: id.toUpperCase(), precondition: [1] },
      { op: 'complete', id, want: true, precondition: 'any' },
      { op: 'delete', id, precondition: 'any' },
    ])
    expect(told(changes)).toEqual(['2 b', '2 b', '3 new', '4 b, done', '4 b, done', '5 deleted'])
    const { changes: feed, position } = await app.listChanges('alice', at(1), 10)
    expect(told(feed)).toEqual(['3 new', '5 deleted'])
    expect(position.revision).toBe(5)
  })

  test('what changes nothing takes no revision and is not written', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    const patch = { title: ' a ' }
    const changes = await app.changeTasks('alice', [
      { op: 'update', id, patch, precondition: 'any' },
      { op: 'complete', id, want: false, precondition: 'any' },
    ])
    expect(told(changes)).toEqual(['1 a', '1 a'])
    expect(await revisionOf(tasks, 'alice')).toBe(1)
  })

  test('toggling twice is two changes that end where they began', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    const toggle = { op: 'complete', id, precondition: 'any' } as const
    expect(told(await app.changeTasks('alice', [toggle, toggle]))).toEqual(['2 a, done', '3 a'])
    expect(await app.getTask('alice', id)).toMatchObject({ completed: false, revision: 3 })
  })

  test('one that cannot be done lets none be done, and is named', async () => {
    const [{ id }, theirs] = [
      await app.createTask('alice', { title: 'a' }),
      await app.createTask('bob', { title: 'theirs' }),
    ]
    const make = { op: 'create', draft: { title: 'new' } } as const
    const gone = { op: 'delete', id, precondition: 'any' } as const
    for (const [operation, kind, field] of [
      [{ ...gone, id: uuid(77) }, 'not-found', 'operations/1'],
      [{ ...gone, id: 'no id' }, 'not-found', 'operations/1'],
      [{ ...gone, id: theirs.id }, 'forbidden', 'operations/1'],
      [{ ...gone, precondition: [9] }, 'stale', 'operations/1'],
      [{ op: 'create', draft: { title: ' ' } }, 'invalid', 'operations/1/body/title'],
      [
        { op: 'update', id, patch: { due_date: 'x' }, precondition: 'any' },
        'invalid',
        'operations/1/body/due_date',
      ],
    ] as const) {
      await expect(app.changeTasks('alice', [make, operation, gone])).rejects.toMatchObject({
        kind,
        issues: [{ field }],
      })
    }
    await expect(app.changeTasks('alice', [gone, make, gone])).rejects.toMatchObject({
      kind: 'not-found',
      issues: [{ field: 'operations/2' }],
    })
    await expect(
      app.changeTasks(
        'alice',
        Array.from({ length: 5 }, () => make),
      ),
    ).rejects.toMatchObject({ kind: 'quota-exceeded' })
    expect(await titles('alice')).toEqual(['a'])
    expect(await revisionOf(tasks, 'alice')).toBe(1)
  })

  test('every bad field of every operation is named at once', async () => {
    const bad = { op: 'create', draft: { title: '', due_date: 'never' } } as const
    await expect(app.changeTasks('alice', [bad, bad])).rejects.toMatchObject({
      kind: 'invalid',
      issues: [
        { field: 'operations/0/body/title' },
        { field: 'operations/0/body/due_date' },
        { field: 'operations/1/body/title' },
        { field: 'operations/1/body/due_date' },
      ],
    })
  })

  test('starts over with all of it when somebody else was faster', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    let overtaken = false
    const racing: TaskStore = {
      ...tasks,
      write: async (step: Step) => {
        if (!overtaken) {
          overtaken = true
          await app.completeTask('alice', id)
        }
        return tasks.write(step)
      },
    }
    const other = appOf({ tasks: racing, now: tickingClock(), newId: countingIds() })
    const changes = await other.changeTasks('alice', [
      { op: 'create', draft: { title: 'new' } },
      { op: 'update', id, patch: { title: 'b' }, precondition: 'any' },
    ])
    expect(told(changes)).toEqual(['3 new', '4 b, done'])
    expect(await titles('alice')).toEqual(['b', 'new'])
  })
})

describe('once only', () => {
  let replays: number
  const once = (key: string, request = key) => ({
    key,
    request,
    onReplay: () => {
      replays++
    },
  })
  beforeEach(() => {
    replays = 0
  })

  test('a create that is repeated makes one task and answers the same', async () => {
    const first = await app.createTask('alice', { title: 'a' }, once('k'))
    await app.updateTask('alice', first.id, { title: 'b' })
    expect(await app.createTask('alice', { title: 'a' }, once('k'))).toEqual(first)
    expect(replays).toBe(1)
    expect(await titles('alice')).toEqual(['b'])
    expect(await app.createTask('alice', { title: 'a' }, once('another key'))).toMatchObject({
      revision: 3,
    })
    expect(await app.createTask('bob', { title: 'a' }, once('k'))).toMatchObject({ revision: 1 })
    expect(replays).toBe(1)
  })

  test('of 100 at once one is carried out, and all get what it got', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => app.createTask('alice', { title: 'a' }, once('k'))),
    )
    expect(new Set(all.map(({ id, revision }) => `${id} ${revision}`)).size).toBe(1)
    expect([await titles('alice'), replays]).toEqual([['a'], 99])
  })

  test('the answer comes before the precondition and the task are looked at', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    const completed = await app.completeTask('alice', id, undefined, [1], once('toggle'))
    await app.deleteTask('alice', id, [2], once('delete'))
    expect(await app.completeTask('alice', id, undefined, [1], once('toggle'))).toEqual(completed)
    await app.deleteTask('alice', id, [2], once('delete'))
    expect(replays).toBe(2)
    expect(await revisionOf(tasks, 'alice')).toBe(3)
  })

  test('the same key with another request is refused and does nothing', async () => {
    const { id } = await app.createTask('alice', { title: 'a' }, once('k', 'create a'))
    for (const step of [
      () => app.createTask('alice', { title: 'b' }, once('k', 'create b')),
      () => app.updateTask('alice', id, { title: 'b' }, 'any', once('k', 'update')),
      () => app.deleteTask('alice', uuid(78), 'any', once('k', 'delete')),
    ]) {
      await expect(step()).rejects.toMatchObject({ kind: 'key-reused' })
    }
    expect(await titles('alice')).toEqual(['a'])
  })

  test('a change that changed nothing does not happen later either', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    const unchanged = await app.updateTask('alice', id, { title: 'a' }, 'any', once('k'))
    await app.updateTask('alice', id, { title: "somebody else's" })
    expect(await app.updateTask('alice', id, { title: 'a' }, 'any', once('k'))).toEqual(unchanged)
    expect(await titles('alice')).toEqual(["somebody else's"])
    expect(await revisionOf(tasks, 'alice')).toBe(2)
  })

  test('a request that failed may be sent again with its key', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    await expect(app.updateTask('alice', id, { title: 'b' }, [9], once('k'))).rejects.toMatchObject(
      { kind: 'stale' },
    )
    expect(await app.updateTask('alice', id, { title: 'b' }, [1], once('k'))).toMatchObject({
      title: 'b',
    })
    expect(replays).toBe(0)
  })

  test('the first one, still running when it is sent again, is not in its own way', async () => {
    const { id } = await app.createTask('alice', { title: 'a' })
    for (const [key, step] of [
      ['complete', (other: App) => other.completeTask('alice', id, true, [1], once('complete'))],
      ['delete', (other: App) => other.deleteTask('alice', id, 'any', once('delete'))],
    ] as const) {
      let looked = false
      const late: TaskStore = {
        ...tasks,
        receipt: async (owner, wanted) => {
          const found = await tasks.receipt(owner, wanted)
          if (!looked) {
            looked = true
            await step(app)
          }
          return found
        },
      }
      const other = appOf({ tasks: late, now: tickingClock(), newId: countingIds() })
      replays = 0
      await step(other)
      expect([key, replays]).toEqual([key, 1])
    }
    expect(await revisionOf(tasks, 'alice')).toBe(3)
  })

  test('a batch as well', async () => {
    const make = { op: 'create', draft: { title: 'a' } } as const
    const first = await app.changeTasks('alice', [make, make], once('k'))
    expect(await app.changeTasks('alice', [make, make], once('k'))).toEqual(first)
    expect(await titles('alice')).toEqual(['a', 'a'])
  })
})

const at = (revision: number, history: string | null = null): FeedPosition => ({
  revision,
  history,
  snapshot: null,
})

describe('ListChanges', () => {
  test('from nowhere it is a snapshot, without deletions; then what has changed since', async () => {
    const [a, b] = [
      await app.createTask('alice', { title: 'a' }),
      await app.createTask('alice', { title: 'b' }),
    ]
    await app.deleteTask('alice', a.id)
    const { changes, position, more } = await app.listChanges('alice', null, 10)
    expect([told(changes), position.revision, more]).toEqual([['2 b'], 3, false])
    await app.deleteTask('alice', b.id)
    await app.createTask('bob', { title: 'not for alice' })
    const next = await app.listChanges('alice', position, 10)
    expect([told(next.changes), next.position.revision]).toEqual([['4 deleted'], 4])
    expect((await app.listChanges('alice', next.position, 10)).changes).toEqual([])
  })

  test('nobody has nothing, and can go on from there', async () => {
    const { changes, position } = await app.listChanges('nobody', null, 10)
    expect([changes, position]).toEqual([[], at(0)])
    await app.createTask('nobody', { title: 'a' })
    expect(told((await app.listChanges('nobody', position, 10)).changes)).toEqual(['1 a'])
  })

  test('a snapshot in pages misses nothing that happens meanwhile', async () => {
    const all = []
    for (const title of ['a', 'b', 'c', 'd']) all.push(await app.createTask('alice', { title }))
    const [a, , c, d] = all
    const first = await app.listChanges('alice', null, 2)
    expect([told(first.changes), first.more]).toEqual([['1 a', '2 b'], true])
    await app.deleteTask('alice', a?.id ?? '')
    await app.deleteTask('alice', c?.id ?? '')
    await app.updateTask('alice', d?.id ?? '', { title: 'd, changed' })
    const second = await app.listChanges('alice', first.position, 2)
    const third = await app.listChanges('alice', second.position, 2)
    expect(told([...second.changes, ...third.changes])).toEqual([
      '5 deleted',
      '6 deleted',
      '7 d, changed',
    ])
    expect([second.more, third.more]).toEqual([true, false])
  })

  test('a position from before what has been forgotten is gone, a snapshot goes on', async () => {
    for (const title of ['a', 'b', 'c']) await app.createTask('alice', { title })
    const gone = await app.createTask('alice', { title: 'gone' })
    const before = (await app.listChanges('alice', null, 10)).position
    await app.deleteTask('alice', gone.id)
    const after = (await app.listChanges('alice', null, 10)).position
    const reading = (await app.listChanges('alice', null, 2)).position
    expect(await tasks.purge('9999-01-01T00:00:00.000Z', '9999-01-01T00:00:00.000Z', 10)).toBe(1)
    for (const position of [before, at(4), at(0)]) {
      await expect(app.listChanges('alice', position, 10)).rejects.toMatchObject({ kind: 'gone' })
    }
    expect((await app.listChanges('alice', after, 10)).changes).toEqual([])
    expect(told((await app.listChanges('alice', reading, 10)).changes)).toEqual(['3 c'])
  })

  test('a position that is ahead, or of another history, is gone', async () => {
    await app.createTask('alice', { title: 'a' })
    const { position } = await app.listChanges('alice', null, 10)
    expect(position.history).not.toBeNull()
    for (const other of [at(2), at(1, 'another'), { ...position, revision: 2 }]) {
      await expect(app.listChanges('alice', other, 10)).rejects.toMatchObject({ kind: 'gone' })
    }
    await app.deleteAccount('alice')
    await app.createTask('alice', { title: 'a' })
    await expect(app.listChanges('alice', position, 10)).rejects.toMatchObject({ kind: 'gone' })
  })
})

describe('FollowChanges', () => {
  test('first what is there, then each change when it comes, until it is stopped', async () => {
    await app.createTask('alice', { title: 'a' })
    const ahead = app.followChanges('alice', null, 1)
    expect(told((await ahead.next())?.changes ?? [])).toEqual(['1 a'])
    const next = ahead.next()
    await app.createTask('bob', { title: 'not for alice' })
    await app.changeTasks('alice', [
      { op: 'create', draft: { title: 'b' } },
      { op: 'create', draft: { title: 'c' } },
    ])
    expect(await next).toMatchObject({ more: true, changes: [{ revision: 2 }] })
    expect(await ahead.next()).toMatchObject({ more: false, changes: [{ revision: 3 }] })
    const last = ahead.next()
    ahead.stop()
    expect(await last).toBeUndefined()
    expect(await ahead.next()).toBeUndefined()
  })

  test('begins with an empty page when there is nothing', async () => {
    const ahead = app.followChanges('alice', null, 10)
    expect(await ahead.next()).toMatchObject({ changes: [], more: false })
    const next = ahead.next()
    await app.createTask('alice', { title: 'a' })
    expect(told((await next)?.changes ?? [])).toEqual(['1 a'])
    ahead.stop()
  })

  test('what another process has written is found by looking, in one look-up for all', async () => {
    const asked: string[][] = []
    const counting: TaskStore = {
      ...tasks,
      revisions: (owners) => {
        asked.push([...owners])
        return tasks.revisions(owners)
      },
    }
    const here = appOf({ tasks: counting, now: tickingClock(), newId: countingIds() })
    await here.lookForChanges()
    expect(asked).toEqual([])
    const followers = ['alice', 'alice', 'bob'].map((user) => here.followChanges(user, null, 10))
    for (const follower of followers) await follower.next()
    const next = Promise.all(followers.slice(0, 2).map((follower) => follower.next()))
    await put(tasks, 'alice', 'from elsewhere')
    await here.lookForChanges()
    expect((await next).map((page) => told(page?.changes ?? []))).toEqual([
      ['1 from elsewhere'],
      ['1 from elsewhere'],
    ])
    expect(asked).toEqual([['alice', 'bob']])
    for (const follower of followers) follower.stop()
    await here.lookForChanges()
    expect(asked).toHaveLength(1)
  })

  test('a position that is gone is refused at once', async () => {
    const ahead = app.followChanges('alice', at(7), 10)
    await expect(ahead.next()).rejects.toMatchObject({ kind: 'gone' })
    ahead.stop()
  })
})

describe('RemindDue', () => {
  test('reminds of everything that is due, tells who listens, and does so once', async () => {
    let now = '2026-02-10T12:00:00.000Z'
    const timed = appOf({ tasks, now: () => now, newId: countingIds() })
    const remind_at = '2026-02-10T13:00:00Z'
    for (let n = 0; n < 300; n++) await timed.createTask('alice', { title: `${n}`, remind_at })
    const ahead = timed.followChanges('alice', null, 1000)
    expect((await ahead.next())?.changes).toHaveLength(300)
    expect(await timed.remindDue()).toBe(0)
    now = '2026-02-10T13:00:00.000Z'
    const next = ahead.next()
    expect(await timed.remindDue()).toBe(2)
    const reminded = await next
    expect(reminded?.changes.length).toBeGreaterThanOrEqual(200)
    expect(await timed.remindDue()).toBe(0)
    expect(await revisionOf(tasks, 'alice')).toBe(600)
    ahead.stop()
  })
})

describe('ForgetOld', () => {
  const later = (days: number): void => {
    time = new Date(Date.parse('2026-02-10T12:00:00.000Z') + days * 86_400_000).toISOString()
  }

  test('forgets keys after a day and deletions after 90', async () => {
    later(0)
    const timed = appOf({ tasks, now: () => time, newId: countingIds() })
    const forget = forgetOld({ tasks, now: () => time })
    const once = { key: 'k', request: 'r' }
    const { id } = await timed.createTask('alice', { title: 'a' }, once)
    await timed.deleteTask('alice', id)
    for (const [days, forgotten] of [
      [1, 0],
      [1.01, 1],
      [90, 0],
      [90.01, 1],
      [91, 0],
    ] as const) {
      later(days)
      expect([days, await forget()]).toEqual([days, forgotten])
    }
    expect(await tasks.receipt('alice', 'k')).toBeUndefined()
    await expect(timed.listChanges('alice', at(1), 10)).rejects.toMatchObject({ kind: 'gone' })
  })
})
