import { describe, expect, test } from 'bun:test'
import { outOfReach, requireCurrent } from '../../src/domain/access.ts'
import { DomainError } from '../../src/domain/errors.ts'
import {
  editTask,
  isDueToRemind,
  newTask,
  parseTaskId,
  setCompleted,
  type Task,
  titleKey,
} from '../../src/domain/task.ts'
import { NOON, uuid } from '../support/tasks.ts'

const LATER = '2026-02-11T12:00:00.000Z'

const task: Task = {
  ...newTask(
    uuid(1),
    'alice',
    { title: 'Pay rent', description: 'to Bob', priority: 'low', due_date: '2026-02-10' },
    NOON,
  ),
  revision: 7,
}

const issuesOf = (step: () => unknown) => {
  try {
    step()
  } catch (error) {
    if (error instanceof DomainError) return error.issues.map(({ field }) => field)
    throw error
  }
  return []
}

describe('newTask', () => {
  test('is open, trimmed and canonical', () => {
    const draft = { title: '  Call\tMum \n', due_date: '2026-02-10T09:00:00+01:00' }
    expect(newTask(uuid(2), 'alice', draft, NOON)).toEqual({
      id: uuid(2),
      user_id: 'alice',
      title: 'Call\tMum',
      description: null,
      completed: false,
      priority: null,
      due_date: '2026-02-10T08:00:00.000Z',
      remind_at: null,
      reminded_at: null,
      created_at: NOON,
      updated_at: NOON,
    })
  })

  test('keeps an empty description and one of 1000 code points', () => {
    expect(newTask(uuid(2), 'alice', { title: 'x', description: '' }, NOON).description).toBe('')
    const long = '👍'.repeat(1000)
    expect(newTask(uuid(2), 'alice', { title: 'x', description: long }, NOON).description).toBe(
      long,
    )
  })

  test('names every bad field at once', () => {
    const draft = { title: ' \u3000 ', description: 'x'.repeat(1001), due_date: 'soon' }
    expect(issuesOf(() => newTask(uuid(2), 'alice', draft, NOON))).toEqual([
      'title',
      'description',
      'due_date',
    ])
    expect(issuesOf(() => newTask(uuid(2), 'alice', { title: 'x'.repeat(201) }, NOON))).toEqual([
      'title',
    ])
    expect(issuesOf(() => newTask(uuid(2), 'alice', { title: 'a\0' }, NOON))).toEqual(['title'])
    expect(issuesOf(() => newTask(uuid(2), 'alice', { title: 'a', due_date: '' }, NOON))).toEqual([
      'due_date',
    ])
  })
})

describe('reminders', () => {
  const remind_at = '2026-02-10T09:00:00.000Z'
  const armed: Task = {
    ...newTask(uuid(1), 'alice', { title: 'a', remind_at: '2026-02-10T10:00:00+01:00' }, NOON),
    revision: 1,
  }

  test('are at an instant, kept in UTC', () => {
    expect(armed).toMatchObject({ remind_at, reminded_at: null })
    for (const bad of ['2026-02-10', '2026-02-10T09:00:00', 'soon', '']) {
      expect(() => editTask(armed, { remind_at: bad }, NOON)).toThrow(/remind_at must be a time/)
    }
  })

  test('are due when their time has come and the task is open and not reminded of', () => {
    expect(isDueToRemind(armed, remind_at)).toBe(true)
    expect(isDueToRemind(armed, '2026-02-10T08:59:59.999Z')).toBe(false)
    expect(isDueToRemind({ ...armed, completed: true }, remind_at)).toBe(false)
    expect(isDueToRemind({ ...armed, reminded_at: remind_at }, remind_at)).toBe(false)
    expect(isDueToRemind({ ...armed, remind_at: null }, remind_at)).toBe(false)
  })

  test('another time arms again, the same time and other changes do not', () => {
    const reminded = { ...armed, reminded_at: remind_at }
    expect(editTask(reminded, { remind_at: '2026-02-10T09:00:00Z' }, NOON)).toBe(reminded)
    expect(editTask(reminded, { title: 'b' }, NOON)).toMatchObject({ reminded_at: remind_at })
    const moved = editTask(reminded, { remind_at: '2026-02-11T09:00:00Z' }, NOON)
    expect(moved.reminded_at).toBeNull()
    expect(editTask(reminded, { remind_at: null }, NOON)).toMatchObject({
      remind_at: null,
      reminded_at: null,
    })
  })
})

describe('editTask', () => {
  test('absent stays, null clears, the rest is set', () => {
    expect(editTask(task, { description: null, priority: 'high' }, LATER)).toEqual({
      ...task,
      description: null,
      priority: 'high',
      updated_at: LATER,
    })
    expect(editTask(task, { due_date: null }, LATER).due_date).toBeNull()
  })

  test('what changes nothing is the very same task', () => {
    expect(editTask(task, {}, LATER)).toBe(task)
    expect(
      editTask(task, { title: ' Pay rent ', due_date: '2026-02-10', completed: false }, LATER),
    ).toBe(task)
    const timed = { ...task, due_date: '2026-02-10T08:00:00.000Z' }
    expect(editTask(timed, { due_date: '2026-02-10T09:00:00+01:00' }, LATER)).toBe(timed)
  })

  test('an all-day date and the instant it begins are different', () => {
    expect(editTask(task, { due_date: '2026-02-10T00:00:00Z' }, LATER)).not.toBe(task)
  })
})

test('setCompleted is the very same task when it is in that state', () => {
  const done = setCompleted(task, true, LATER)
  expect(done).toEqual({ ...task, completed: true, updated_at: LATER })
  expect(setCompleted(done, true, LATER)).toBe(done)
})

test('a precondition holds for the current revision only', () => {
  requireCurrent(task, 'any')
  requireCurrent(task, [3, 7])
  for (const seen of [[], [6], [8]]) {
    expect(() => requireCurrent(task, seen)).toThrow(
      expect.objectContaining({ kind: 'stale', revision: 7 }),
    )
  }
})

test("another user's task is forbidden, nobody's is not found", () => {
  expect(outOfReach(true).kind).toBe('forbidden')
  expect(outOfReach(false).kind).toBe('not-found')
})

test('ids are canonical in lower case', () => {
  expect(parseTaskId('0190A3F0-0000-7000-8000-00000000000A')).toBe(
    '0190a3f0-0000-7000-8000-00000000000a',
  )
  for (const text of [
    '',
    '1',
    '0190a3f0',
    `${uuid(1)} `,
    `{${uuid(1)}}`,
    uuid(1).replaceAll('-', ''),
  ]) {
    expect(parseTaskId(text)).toBeUndefined()
  }
})

test('title keys stay short enough to be indexed', () => {
  const longest = ['\u{1d160}', 'ﷺ', 'ΐ', '\u0958'].map((text) =>
    titleKey({ title: text.repeat(200) }),
  )
  for (const key of longest) expect(Buffer.byteLength(key)).toBeLessThanOrEqual(800)
})
