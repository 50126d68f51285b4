import { describe, expect, test } from 'bun:test'
import {
  assignRevisions,
  decide,
  type Operation,
  type VersionedTask,
} from '../../src/domain/changeset.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { newTask, type TaskId } from '../../src/domain/task.ts'
import { LATER, NOON, uuid } from '../support/tasks.ts'

const [A, B, NEW] = [uuid(1), uuid(2), uuid(3)]

const stored = (
  id: TaskId,
  revision: number,
  recordedAt: string | null = null,
): [TaskId, VersionedTask] => {
  const draft = { title: `task ${revision}`, remind_at: NOON }
  const task = { ...newTask(id, 'alice', draft, NOON), revision }
  return [id, { task, version: { revision, timeline: 't' }, recordedAt }]
}

const found = new Map([stored(A, 4), stored(B, 7)])

const decided = (...operations: Operation[]) =>
  decide(operations, found, { owner: 'alice', now: LATER, newId: () => NEW })

const toggle = (id: TaskId) => ({ op: 'complete', id, precondition: 'any' }) as const
const update = (id: TaskId, title: string) =>
  ({ op: 'update', id, patch: { title }, precondition: 'any' }) as const
const erase = (id: TaskId) => ({ op: 'delete', id, precondition: 'any' }) as const

const errorOf = (...operations: Operation[]): DomainError | undefined => {
  try {
    decided(...operations)
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
  return undefined
}

describe('decide', () => {
  test('has one write for each task, on the revision that was read, and a row of the log for each change', () => {
    const { writes, log, revisionCount, taskCountDelta } = decided(
      toggle(A),
      update(B, 'B'),
      toggle(A),
      { op: 'create', draft: { title: 'new' } },
      erase(B),
    )
    expect(writes).toMatchObject([
      { op: 'replace', task: { id: A, completed: false }, baseRevision: 4, revisionOffset: 3 },
      { op: 'remove', id: B, baseRevision: 7, revisionOffset: 5 },
      { op: 'create', task: { id: NEW, title: 'new' }, revisionOffset: 4 },
    ])
    expect(log).toEqual([
      { id: A, op: 'upsert', revisionOffset: 1, before: null },
      { id: B, op: 'upsert', revisionOffset: 2, before: null },
      { id: A, op: 'upsert', revisionOffset: 3, before: null },
      { id: NEW, op: 'upsert', revisionOffset: 4, before: null },
      { id: B, op: 'delete', revisionOffset: 5, before: null },
    ])
    expect([revisionCount, taskCountDelta]).toEqual([5, 0])
  })

  test('checks a task that an operation leaves as it is, unless another one writes it', () => {
    const same = update(A, 'task 4')
    expect(decided(same)).toMatchObject({
      writes: [{ op: 'check', id: A, baseRevision: 4 }],
      log: [],
      revisionCount: 0,
    })
    for (const operations of [
      [same, toggle(A)],
      [toggle(A), { ...toggle(A), want: true }],
    ]) {
      expect(decided(...operations).writes).toMatchObject([{ op: 'replace', revisionOffset: 1 }])
    }
  })

  test('a reminder that is due is a change of its own kind, one that is not changes nothing', () => {
    const remind = { op: 'remind', id: A, precondition: 'any' } as const
    expect(decided(remind, remind)).toMatchObject({
      writes: [{ op: 'replace', task: { reminded_at: LATER }, revisionOffset: 1 }],
      log: [{ id: A, op: 'remind', revisionOffset: 1, before: null }],
      revisionCount: 1,
    })
    expect(decided({ ...toggle(A), want: true }, remind).log).toMatchObject([{ op: 'upsert' }])
  })

  test('keeps a task before its first change for a day after an idempotency record referred to it', () => {
    for (const [recordedAt, kept] of [
      [NOON, true],
      ['2026-02-10T11:59:59.999Z', false],
      [null, false],
    ] as const) {
      const [id, before] = stored(A, 4, recordedAt)
      const context = { owner: 'alice', now: LATER, newId: () => NEW }
      const known = new Map([[id, before]])
      const { log } = decide([toggle(A), toggle(A), erase(A)], known, context)
      expect(log.map((entry) => entry.before)).toEqual([kept ? before.task : null, null, null])
    }
  })

  test('a precondition is about the task before all operations', () => {
    const precondition = [{ revision: 4, timeline: 't' }]
    expect(decided(toggle(A), { ...erase(A), precondition }).revisionCount).toBe(2)
    const error = errorOf(toggle(B), toggle(A), { ...erase(A), precondition: [] })
    expect(error).toMatchObject({ kind: 'stale', operation: 2, version: { revision: 4 } })
  })

  test('an error names its operation, and all that are invalid come at once', () => {
    expect(errorOf(toggle(A), erase(uuid(9)))).toMatchObject({ kind: 'not-found', operation: 1 })
    expect(errorOf(erase(A), toggle(A))).toMatchObject({ kind: 'not-found', operation: 1 })
    expect(errorOf(erase(A), erase(A))).toMatchObject({ kind: 'not-found', operation: 1 })
    const invalid = errorOf(update(A, ''), toggle(A), {
      op: 'create',
      draft: { title: ' ', due_date: 'x' },
    })
    expect(invalid?.kind).toBe('invalid')
    expect(invalid?.issues.map(({ field, operation }) => [operation, field])).toEqual([
      [0, 'title'],
      [2, 'title'],
      [2, 'due_date'],
    ])
  })
})

test('revisions follow that before the commit; a change of nothing keeps its version', () => {
  const { changes } = decided(
    update(A, 'task 4'),
    update(B, 'B'),
    { ...toggle(B), want: false },
    { op: 'create', draft: { title: 'new' } },
    erase(A),
  )
  const committed = assignRevisions(changes, 20, 'u')
  expect(committed.map(({ change, version }) => [change.op, change.revision, version])).toEqual([
    ['upsert', 4, { revision: 4, timeline: 't' }],
    ['upsert', 21, { revision: 21, timeline: 'u' }],
    ['upsert', 21, { revision: 21, timeline: 'u' }],
    ['upsert', 22, { revision: 22, timeline: 'u' }],
    ['delete', 23, { revision: 23, timeline: 'u' }],
  ])
  for (const { change } of committed) {
    if (change.op === 'upsert') expect(change.task.revision).toBe(change.revision)
  }
})
