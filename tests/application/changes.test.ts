import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { changeSignal } from '../../src/application/changes/change-signal.ts'
import type { ChangePage } from '../../src/application/changes/read-changes.ts'
import type { App } from '../../src/application/index.ts'
import type { TaskStore } from '../../src/application/ports.ts'
import type { FeedPosition } from '../../src/domain/change.ts'
import { appOf } from '../support/app.ts'
import { linesOf } from '../support/changes.ts'
import { countingIds, LATER, put, tickingClock } from '../support/tasks.ts'

let tasks: TaskStore
let app: App

beforeEach(() => {
  tasks = memoryStorage().tasks
  app = appOf({ tasks, now: tickingClock(), newId: countingIds() })
})

const create = async (title: string, user = 'alice') => (await app.createTask(user, { title })).task

const at = (revision: number, timeline: string | null = null): FeedPosition => ({
  revision,
  timeline,
  snapshot: null,
})

const lines = (page: ChangePage | undefined): string[] => linesOf(page?.changes.value() ?? [])

describe('ListChanges', () => {
  test('without a position it is a snapshot, without deletions; then what has changed since', async () => {
    const [a, b] = [await create('a'), await create('b')]
    await app.deleteTask('alice', a.id)
    const { position, more, ...page } = await app.listChanges('alice', null, 10)
    expect(linesOf(page.changes.value())).toEqual(['2 b'])
    expect([page.empty, position.revision, more]).toEqual([false, 3, false])
    expect(page.version).toEqual({ revision: 3, timeline: position.timeline ?? '' })
    expect(page.versionAt(2)).toEqual({ revision: 2, timeline: position.timeline ?? '' })
    await app.deleteTask('alice', b.id)
    await create('not for alice', 'bob')
    const next = await app.listChanges('alice', position, 10)
    expect([lines(next), next.position.revision]).toEqual([[`4 deleted ${b.id}`], 4])
    const last = await app.listChanges('alice', next.position, 10)
    expect([lines(last), last.empty]).toEqual([[], true])
  })

  test('a user without tasks has no changes, and can go on from there', async () => {
    const page = await app.listChanges('newcomer', null, 10)
    expect([lines(page), page.position, page.empty]).toEqual([[], at(0), true])
    await create('a', 'newcomer')
    expect(lines(await app.listChanges('newcomer', page.position, 10))).toEqual(['1 a'])
  })

  test('a snapshot in pages misses nothing that happens meanwhile', async () => {
    const [a, , c, d] = [await create('a'), await create('b'), await create('c'), await create('d')]
    const first = await app.listChanges('alice', null, 2)
    expect([lines(first), first.more]).toEqual([['1 a', '2 b'], true])
    await app.deleteTask('alice', a.id)
    await app.deleteTask('alice', c.id)
    await app.updateTask('alice', d.id, { title: 'd, changed' })
    const second = await app.listChanges('alice', first.position, 2)
    const third = await app.listChanges('alice', second.position, 2)
    expect([...lines(second), ...lines(third)]).toEqual([
      `5 deleted ${a.id}`,
      `6 deleted ${c.id}`,
      '7 d, changed',
    ])
    expect([second.more, third.more]).toEqual([true, false])
  })

  test('continues after any change of a page', async () => {
    for (const title of ['a', 'b', 'c']) await create(title)
    const page = await app.listChanges('alice', null, 10)
    for (const [revision, rest] of [
      [1, ['2 b', '3 c']],
      [2, ['3 c']],
      [3, []],
    ] as const) {
      const next = await app.listChanges('alice', page.positionAt(revision), 10)
      expect(lines(next)).toEqual([...rest])
    }
  })

  test('a position from before what has been purged is gone, a snapshot goes on', async () => {
    for (const title of ['a', 'b', 'c']) await create(title)
    const gone = await create('gone')
    const before = (await app.listChanges('alice', null, 10)).position
    await app.deleteTask('alice', gone.id)
    const after = (await app.listChanges('alice', null, 10)).position
    const reading = (await app.listChanges('alice', null, 2)).position
    await tasks.purge('alice', { tombstones: LATER, records: LATER, revisions: 1000 }, 10)
    for (const position of [before, at(4), at(0)]) {
      await expect(app.listChanges('alice', position, 10)).rejects.toMatchObject({ kind: 'gone' })
    }
    expect(lines(await app.listChanges('alice', after, 10))).toEqual([])
    expect(lines(await app.listChanges('alice', reading, 10))).toEqual(['3 c'])
  })

  test('a position that is ahead, or of another timeline, is gone', async () => {
    await create('a')
    const { position } = await app.listChanges('alice', null, 10)
    expect(position.timeline).not.toBeNull()
    for (const other of [at(2), at(1, 'another'), { ...position, revision: 2 }]) {
      await expect(app.listChanges('alice', other, 10)).rejects.toMatchObject({ kind: 'gone' })
    }
    await app.deleteAccount('alice')
    await expect(app.listChanges('alice', position, 10)).rejects.toMatchObject({ kind: 'gone' })
  })
})

describe('FollowChanges', () => {
  test('first what is there, then each change when it comes, until it is stopped', async () => {
    await create('a')
    const ahead = app.followChanges('alice', null, 1)
    expect(lines(await ahead.next())).toEqual(['1 a'])
    const next = ahead.next()
    await create('not for alice', 'bob')
    await app.changeTasks('alice', [
      { op: 'create', draft: { title: 'b' } },
      { op: 'create', draft: { title: 'c' } },
    ])
    const [second, third] = [await next, await ahead.next()]
    expect([lines(second), second?.more]).toEqual([['2 b'], true])
    expect([lines(third), third?.more]).toEqual([['3 c'], false])
    const last = ahead.next()
    ahead.stop()
    expect(await last).toBeUndefined()
    expect(await ahead.next()).toBeUndefined()
  })

  test('begins with an empty page when there is nothing', async () => {
    const ahead = app.followChanges('alice', null, 10)
    expect(await ahead.next()).toMatchObject({ empty: true, more: false })
    const next = ahead.next()
    await create('a')
    expect(lines(await next)).toEqual(['1 a'])
    ahead.stop()
  })

  test('what another process has committed is found by polling, in one look-up for all', async () => {
    const asked: string[][] = []
    const counting: TaskStore = {
      ...tasks,
      versions: (owners) => {
        asked.push([...owners])
        return tasks.versions(owners)
      },
    }
    const here = appOf({ tasks: counting, now: tickingClock(), newId: countingIds() })
    await here.pollRevisions()
    expect(asked).toEqual([])
    const followers = ['alice', 'alice', 'bob'].map((user) => here.followChanges(user, null, 10))
    for (const follower of followers) await follower.next()
    const next = Promise.all(followers.slice(0, 2).map((follower) => follower.next()))
    await put(tasks, 'alice', 'from elsewhere')
    await here.pollRevisions()
    expect((await next).map(lines)).toEqual([['1 from elsewhere'], ['1 from elsewhere']])
    expect(asked).toEqual([['alice', 'bob']])
    for (const follower of followers) follower.stop()
    await here.pollRevisions()
    expect(asked).toHaveLength(1)
  })

  test('stopping a follower twice leaves those that came later', async () => {
    const first = app.followChanges('alice', null, 10)
    await first.next()
    first.stop()
    const second = app.followChanges('alice', null, 10)
    await second.next()
    const next = second.next()
    first.stop()
    await create('a')
    expect(lines(await next)).toEqual(['1 a'])
    second.stop()
  })

  test('a position that is gone is refused at once', async () => {
    const ahead = app.followChanges('alice', at(7), 10)
    await expect(ahead.next()).rejects.toMatchObject({ kind: 'gone' })
    ahead.stop()
  })
})

describe('the signal of changes', () => {
  test('names each owner that is watched once, as long as one watch is left', () => {
    const signal = changeSignal()
    const [a, b] = [signal.watch('alice'), signal.watch('alice')]
    signal.watch('bob')
    expect(signal.watched()).toEqual(['alice', 'bob'])
    a.end()
    a.end()
    expect(signal.watched()).toEqual(['alice', 'bob'])
    b.end()
    const c = signal.watch('alice')
    for (const watch of [a, b]) watch.end()
    expect(signal.watched()).toEqual(['bob', 'alice'])
    c.end()
    expect(signal.watched()).toEqual(['bob'])
  })

  test('misses no revision that was notified before it is waited for', async () => {
    const signal = changeSignal()
    const watch = signal.watch('alice')
    signal.notify('alice', 4)
    signal.notify('alice', 2)
    await watch.waitPast(3)
    const waiting = watch.waitPast(4).then(() => 'woken')
    signal.notify('alice', 4)
    expect(await Promise.race([waiting, Promise.resolve('waiting')])).toBe('waiting')
    signal.notify('alice', 5)
    expect(await waiting).toBe('woken')
    const ended = watch.waitPast(5)
    watch.end()
    await ended
  })
})
