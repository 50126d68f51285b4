import { describe, expect, test } from 'bun:test'
import { execute } from '../../src/application/execute.ts'
import type { IdempotencyRecord } from '../../src/application/ports.ts'
import type { Operation, Write } from '../../src/domain/changeset.ts'
import { later } from '../../src/domain/due-date.ts'
import { editTask, newTask, type Task, type UserId } from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'
import {
  commitOf,
  countingIds,
  LATER,
  NOON,
  put,
  removal,
  replace,
  replacement,
  revisionOf,
  someone,
  taskOf,
  WHOLE,
  writePorts,
} from '../support/tasks.ts'
import type { Suite } from './storage.ts'

const newId = countingIds()

const recordOf = (key: string, more: Partial<IdempotencyRecord> = {}): IdempotencyRecord => ({
  key,
  request: `request of ${key}`,
  at: NOON,
  changes: [],
  ...more,
})

export const idempotencyContract: Suite = (opened) => {
  const tasks = () => opened().tasks

  const titles = async (owner: UserId): Promise<string[]> =>
    (await tasks().list(owner, taskQuery(), WHOLE)).tasks.value().map(({ title }) => title)

  const creation = (owner: UserId, title: string, revisionOffset = 1): Write => ({
    op: 'create',
    task: newTask(newId(NOON), owner, { title }, NOON),
    revisionOffset,
  })

  describe('idempotency records', () => {
    test('are stored with the commit, and returned with the versions that it gave', async () => {
      const owner = someone()
      await put(tasks(), owner, 'before')
      const unchanged = { revision: 1, timeline: 'another' }
      const id = newId(NOON)
      const idempotency = recordOf('key "1" \u2028 👍', {
        request: 'request "1" \\',
        changes: [
          { op: 'upsert', id, revisionOffset: 1, version: null },
          { op: 'upsert', id: newId(NOON), revisionOffset: 0, version: unchanged },
          { op: 'delete', id: newId(NOON), revisionOffset: 2, version: null },
        ],
      })
      const writes = [creation(owner, 'a', 1), creation(owner, 'b', 2)]
      expect(await tasks().commit(commitOf(owner, writes, { idempotency }))).toMatchObject({
        baseRevision: 1,
      })
      const stored = await tasks().idempotencyRecord(owner, idempotency.key)
      expect(stored).toMatchObject({ ...idempotency, changes: {} })
      const timeline = (await tasks().versions([owner]))[0]?.version.timeline ?? ''
      const versions = [{ revision: 2, timeline }, unchanged, { revision: 3, timeline }]
      expect(stored?.changes).toMatchObject(
        idempotency.changes.map(({ op, id: of }, n) => ({ op, id: of, version: versions[n] })),
      )
      expect(await tasks().idempotencyRecord(owner, 'key-2')).toBeUndefined()
      expect(await tasks().idempotencyRecord(owner, idempotency.key.toUpperCase())).toBeUndefined()
      expect(await tasks().idempotencyRecord(someone(), idempotency.key)).toBeUndefined()
    })

    test('a key that is known lets nothing happen', async () => {
      const owner = someone()
      const task = await put(tasks(), owner, 'task')
      const idempotency = recordOf('key')
      const edit = replacement(editTask(task, { title: 'once' }, LATER))
      expect(await tasks().commit(commitOf(owner, [edit], { idempotency }))).toMatchObject({
        baseRevision: 1,
      })
      const now = (await taskOf(tasks(), owner, task.id)) as Task
      for (const writes of [
        [creation(owner, 'twice')],
        [removal(now)],
        [removal(task)],
        [creation(owner, 'a', 1), creation(owner, 'b', 2)],
        [],
      ]) {
        const commit = commitOf(owner, writes, { idempotency })
        expect(await tasks().commit(commit)).toEqual({ status: 'duplicate' })
      }
      expect(await titles(owner)).toEqual(['once'])
      expect(await revisionOf(tasks(), owner)).toBe(2)
    })

    test('a commit that does not happen leaves none', async () => {
      const owner = someone()
      const task = await put(tasks(), owner, 'task')
      await replace(tasks(), editTask(task, { title: 'changed' }, LATER))
      const idempotency = recordOf('key')
      const check = { op: 'check', id: task.id, baseRevision: task.revision } as const
      expect(await tasks().commit(commitOf(owner, [check], { idempotency }))).toEqual({
        status: 'conflict',
      })
      await expect(
        tasks().commit(commitOf(owner, [creation(owner, 'x')], { idempotency, quota: 1 })),
      ).rejects.toMatchObject({ kind: 'quota-exceeded' })
      expect(await tasks().idempotencyRecord(owner, 'key')).toBeUndefined()
    })

    test('a commit that changes nothing leaves one, and takes no revision', async () => {
      const owner = someone()
      const task = await put(tasks(), owner, 'task')
      const version = { revision: 1, timeline: 'x' }
      const change = { op: 'upsert', id: task.id, revisionOffset: 0, version } as const
      const idempotency = recordOf('key', { changes: [change] })
      const check = { op: 'check', id: task.id, baseRevision: task.revision } as const
      expect(await tasks().commit(commitOf(owner, [check], { idempotency }))).toMatchObject({
        status: 'committed',
        baseRevision: 1,
        webhooks: false,
      })
      expect(await tasks().idempotencyRecord(owner, 'key')).toEqual(idempotency)
      expect(await revisionOf(tasks(), owner)).toBe(1)
      const newcomer = someone()
      await tasks().commit(commitOf(newcomer, [], { idempotency }))
      expect(await tasks().versions([newcomer])).toEqual([])
      expect(await put(tasks(), newcomer, 'first')).toMatchObject({ revision: 1 })
    })

    test('of 100 commits with one key exactly one happens; other users have their own', async () => {
      const [owner, other] = [someone(), someone()]
      const idempotency = recordOf('same key')
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, n) => {
          const user = n % 2 ? owner : other
          return tasks().commit(commitOf(user, [creation(user, `try ${n}`)], { idempotency }))
        }),
      )
      const count = (status: string) => results.filter((each) => each.status === status).length
      expect([count('committed'), count('duplicate')]).toEqual([2, 98])
      for (const user of [owner, other]) {
        expect(await titles(user)).toHaveLength(1)
        expect(await revisionOf(tasks(), user)).toBe(1)
      }
    })

    test('hold ids and versions only, however long the tasks are', async () => {
      const owner = someone()
      const description = '👍'.repeat(1000)
      const writes = Array.from({ length: 100 }, (_, n): Write => {
        const task = newTask(newId(NOON), owner, { title: `${n}`, description }, NOON)
        return { op: 'create', task, revisionOffset: n + 1 }
      })
      await tasks().commit(commitOf(owner, writes))
      const operations = writes.map((write) => {
        const id = write.op === 'create' ? write.task.id : ''
        return { op: 'complete', id, precondition: 'any' } as const
      })
      const ports = { ...writePorts, tasks: tasks(), now: () => LATER, newId }
      const key = { key: 'batch', request: 'r'.repeat(43) }
      await execute(ports, owner, operations, key)
      const record = await tasks().idempotencyRecord(owner, 'batch')
      expect(record?.changes).toHaveLength(100)
      expect(JSON.stringify(record).length).toBeLessThan(16_000)
      for (const change of record?.changes ?? []) {
        expect(Object.keys(change).sort()).toEqual(['id', 'op', 'revisionOffset', 'version'])
      }
    })

    describe('keep the tasks that they refer to as they were', () => {
      const keyed = (owner: UserId, operations: readonly Operation[], key?: string, at = NOON) =>
        execute(
          { ...writePorts, tasks: tasks(), now: () => at, newId },
          owner,
          operations,
          key === undefined ? undefined : { key, request: key },
        )

      const edit = (id: string, title: string) =>
        ({ op: 'update', id, patch: { title }, precondition: 'any' }) as const

      const titleAt = async (owner: UserId, id: string, revision: number) =>
        (await tasks().tasksAt(owner, [{ id, revision }]))[0]?.title

      const HOUR = 3_600_000

      test('after changes and deletions, with a key or without, until they are purged', async () => {
        const owner = someone()
        const id = (await put(tasks(), owner, 'not recorded')).id
        await keyed(owner, [edit(id, 'second')], 'a')
        expect((await tasks().get(owner, id))?.recordedAt).toBe(NOON)
        await keyed(owner, [edit(id, 'third')])
        expect((await tasks().get(owner, id))?.recordedAt).toBeNull()
        await keyed(owner, [edit(id, 'fourth')], 'b')
        await keyed(owner, [{ op: 'delete', id, precondition: 'any' }])
        const titlesAt = () =>
          Promise.all([1, 2, 3, 4, 5].map((revision) => titleAt(owner, id, revision)))
        const kept = [undefined, 'second', undefined, 'fourth', undefined]
        expect(await titlesAt()).toEqual(kept)
        await tasks().purge(owner, { tombstones: NOON, records: NOON, revisions: 1000 }, 100)
        expect(await titlesAt()).toEqual(kept)
        expect(await titleAt(someone(), id, 2)).toBeUndefined()
        await tasks().purge(owner, { tombstones: NOON, records: LATER, revisions: 1000 }, 100)
        expect(await titlesAt()).toEqual(Array(5).fill(undefined))
        expect(await tasks().tasksAt(owner, [])).toEqual([])
      })

      test('a task that a request with a key left as it is, too', async () => {
        const owner = someone()
        const { id } = await put(tasks(), owner, 'same')
        await keyed(owner, [edit(id, 'same')], 'a')
        expect(await tasks().get(owner, id)).toMatchObject({ recordedAt: NOON })
        const check = { op: 'check', id, baseRevision: 1 } as const
        await tasks().commit(commitOf(owner, [check]))
        expect(await tasks().get(owner, id)).toMatchObject({ recordedAt: NOON })
        await keyed(owner, [edit(id, 'changed')])
        expect(await titleAt(owner, id, 1)).toBe('same')
        expect(await titleAt(owner, id, 2)).toBe('changed')
      })

      test('but not those of a record that has expired', async () => {
        const owner = someone()
        const { id } = await put(tasks(), owner, 'first')
        await keyed(owner, [edit(id, 'second')], 'a')
        await keyed(owner, [edit(id, 'third')], undefined, later(NOON, 25 * HOUR))
        expect(await titleAt(owner, id, 2)).toBeUndefined()
        expect(await titleAt(owner, id, 3)).toBe('third')
      })

      test('whose owners are found, also when the record is gone already', async () => {
        const owner = someone()
        const { id } = await put(tasks(), owner, 'first')
        await keyed(owner, [edit(id, 'second')], 'a')
        await keyed(owner, [edit(id, 'third')], undefined, later(NOON, HOUR))
        const horizon = (hours: number) => ({
          tombstones: NOON,
          records: later(NOON, hours * HOUR),
          revisions: 1000,
        })
        await tasks().purge(owner, horizon(0.5), 100)
        expect(await tasks().idempotencyRecord(owner, 'a')).toBeUndefined()
        expect(await titleAt(owner, id, 2)).toBe('second')
        expect(await tasks().expired(horizon(0.5), 100_000)).not.toContain(owner)
        expect(await tasks().expired(horizon(2), 100_000)).toContain(owner)
        while ((await tasks().purge(owner, horizon(2), 100)) > 0) {}
        expect(await titleAt(owner, id, 2)).toBeUndefined()
        expect(await tasks().expired(horizon(2), 100_000)).not.toContain(owner)
      })

      test('several at once, whole', async () => {
        const owner = someone()
        const all: Task[] = []
        for (let n = 0; n < 5; n++) all.push(await put(tasks(), owner, { title: `${n}` }))
        await keyed(
          owner,
          all.map(({ id }, n) => edit(id, `then ${n}`)),
          'a',
        )
        const then = await Promise.all(all.map(({ id }) => taskOf(tasks(), owner, id)))
        await keyed(
          owner,
          all.slice(2).map(({ id }) => edit(id, 'now')),
        )
        const found = await tasks().tasksAt(
          owner,
          all.map(({ id }, n) => ({ id, revision: 6 + n })),
        )
        expect(found.toSorted((a, b) => a.revision - b.revision)).toEqual(then as Task[])
      })
    })
  })
}
