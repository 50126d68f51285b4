import { expect, test } from 'bun:test'
import { DomainError } from '../../src/domain/errors.ts'
import { newTask } from '../../src/domain/task.ts'
import {
  comparePositions,
  matches,
  pageLimit,
  positionOf,
  taskQuery,
} from '../../src/domain/task-query.ts'
import { NOON, uuid } from '../support/tasks.ts'

test('defaults: everything, newest first; other sorts ascend', () => {
  expect(taskQuery()).toEqual({
    status: 'all',
    sort: 'created',
    order: 'desc',
    priority: null,
    due_before: null,
    due_after: null,
    search: null,
  })
  expect(taskQuery({ sort: 'title' }).order).toBe('asc')
  expect(taskQuery({ sort: 'due_date' }).order).toBe('asc')
  expect(taskQuery({ sort: 'title', order: 'desc' }).order).toBe('desc')
})

test('names every bad value', () => {
  const bad = {
    status: 'done',
    sort: 'id',
    order: 'up',
    priority: '',
    due_before: '2026-02-30',
    due_after: 'now',
    q: 'x'.repeat(201),
  }
  let fields: string[] = []
  try {
    taskQuery(bad)
  } catch (error) {
    if (error instanceof DomainError) fields = error.issues.map(({ field }) => field).sort()
  }
  expect(fields).toEqual(Object.keys(bad).sort())
})

test('page limits are whole numbers from 1 to 200', () => {
  expect(pageLimit(undefined)).toBeNull()
  expect([pageLimit('1'), pageLimit('200'), pageLimit('050')]).toEqual([1, 200, 50])
  for (const text of ['0', '201', '-1', '1.5', '0x10', '1e2', '', ' 5', '٥']) {
    expect(() => pageLimit(text)).toThrow(DomainError)
  }
})

test('positions without a due date come last in both directions', () => {
  const at = (due_date: string | null, n: number) => ({
    ...newTask(uuid(n), 'alice', { title: 'x', due_date }, NOON),
    revision: n,
  })
  for (const order of ['asc', 'desc'] as const) {
    const query = taskQuery({ sort: 'due_date', order })
    const none = positionOf(at(null, 1), query)
    for (const due of ['1970-01-01', '9999-12-31', '9999-12-31T23:59:59.999Z']) {
      expect(comparePositions(positionOf(at(due, 2), query), none, query)).toBeLessThan(0)
    }
  }
})

test('a task without a due date is neither before nor after any', () => {
  const task = { ...newTask(uuid(1), 'alice', { title: 'x' }, NOON), revision: 1 }
  for (const due of ['1970-01-01', '9999-12-31', '9999-12-31T23:59:59.999Z']) {
    expect(matches(task, taskQuery({ due_before: due }))).toBe(false)
    expect(matches(task, taskQuery({ due_after: due }))).toBe(false)
  }
  expect(matches(task, taskQuery())).toBe(true)
})
