import { describe, expect, test } from 'bun:test'
import { notFoundOrForbidden, requireCurrent } from '../../src/domain/access.ts'
import { DomainError } from '../../src/domain/errors.ts'
import {
  editTask,
  isDueToRemind,
  NO_DUE_DATE,
  newTask,
  parseTaskId,
  remind,
  setCompleted,
  TASK_FIELDS,
  type Task,
  taskKeys,
  titleKey,
  withAllFields,
} from '../../src/domain/task.ts'
import { LATER, NOON, uuid } from '../support/tasks.ts'

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
    expect(newTask(uuid(2), 'alice', draft, NOON)).toMatchObject({
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
      expect(() => editTask(armed, { remind_at: bad }, NOON)).toThrow(/remind_at must .*its offset/)
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

test('a precondition holds for the current version only, in any timeline unless it names one', () => {
  const version = { revision: 7, timeline: 'b' }
  const at = (revision: number, timeline: string | null = null) => ({ revision, timeline })
  requireCurrent(version, 'any')
  requireCurrent(version, [at(3), at(7)])
  requireCurrent(version, [at(7, 'b')])
  for (const seen of [[], [at(6)], [at(8)], [at(7, 'a')], [at(7, '')]]) {
    expect(() => requireCurrent(version, seen)).toThrow(
      expect.objectContaining({ kind: 'stale', version }),
    )
  }
})

test("another user's task is forbidden, nobody's is not found", () => {
  expect(notFoundOrForbidden(true).kind).toBe('forbidden')
  expect(notFoundOrForbidden(false).kind).toBe('not-found')
})

test('a reminder that is due is sent once, at the time of sending', () => {
  const remind_at = '2026-02-10T11:00:00.000Z'
  const armed: Task = { ...task, remind_at }
  const reminded = remind(armed, NOON)
  expect(reminded).toEqual({ ...armed, reminded_at: NOON, updated_at: NOON })
  expect(remind(reminded, LATER)).toBe(reminded)
  expect(remind(armed, '2026-02-10T10:59:59.999Z')).toBe(armed)
})

describe('withAllFields', () => {
  test('adds what did not exist, in the order of the fields, and keeps what is not known', () => {
    const { priority: _, remind_at: __, ...old } = task
    const stored = { ...old, later: 'kept' } as unknown as Task
    const whole = withAllFields(stored)
    expect(whole).toEqual({ ...task, priority: null, remind_at: null, later: 'kept' } as Task)
    const names = Object.keys(whole)
    expect(names.filter((name) => name in task)).toEqual(Object.keys(task))
    expect(names.at(-1)).toBe('revision')
  })
})

test('every field has its own initial value and keeps to its canonical form', () => {
  for (const [name, { initial, clean }] of Object.entries(TASK_FIELDS)) {
    if (name === 'title') continue
    expect([name, (clean as (value: unknown) => unknown)(initial)]).toEqual([
      name,
      { value: initial },
    ])
  }
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

test('the keys of a task are those that it is sorted, filtered and found by', () => {
  const remind_at = '2026-02-10T09:00:00.000Z'
  const keys = {
    completed: false,
    priority: 'low',
    title_key: 'pay rent',
    due_key: '2026-02-10T24',
    search_text: 'pay rent\nto bob',
    remind_key: remind_at,
  } as const
  const armed = { ...task, remind_at }
  expect(taskKeys(armed)).toEqual(keys)
  for (const done of [
    { ...armed, completed: true },
    { ...armed, reminded_at: NOON },
  ]) {
    expect(taskKeys(done).remind_key).toBeNull()
  }
  expect(taskKeys({ ...armed, due_date: null }).due_key).toBe(NO_DUE_DATE)
})
