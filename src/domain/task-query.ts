import { DUE_DATE_HELP, type DueDate, dueKey, instantProblem, parseDueDate } from './due-date.ts'
import { type Issue, throwIfInvalid } from './errors.ts'
import {
  NO_DUE_DATE,
  PRIORITIES,
  type Priority,
  searchText,
  type Task,
  type TaskId,
  taskDueKey,
  titleKey,
} from './task.ts'
import { compareText, fold, textProblem } from './text.ts'

export const STATUSES = ['all', 'pending', 'completed'] as const
export const SORTS = ['created', 'title', 'due_date'] as const
export const ORDERS = ['asc', 'desc'] as const
export const SEARCH_MAX = 200
export const PAGE_MAX = 200

/** Null means "do not filter by this". */
export type TaskQuery = Readonly<{
  status: (typeof STATUSES)[number]
  sort: (typeof SORTS)[number]
  order: (typeof ORDERS)[number]
  priority: Priority | null
  /** Compared with `taskDueKey`, exclusive; tasks without a due date never match. */
  due_before: string | null
  due_after: string | null
  /** A folded text that `searchText` contains. */
  search: string | null
}>

export type TaskQueryInput = Readonly<
  Partial<
    Record<'status' | 'sort' | 'order' | 'priority' | 'due_before' | 'due_after' | 'q', string>
  >
>

/** Throws `invalid` naming every bad value. `order` defaults to newest first, else ascending. */
export const taskQuery = (input: TaskQueryInput = {}): TaskQuery => {
  const issues: Issue[] = []
  const oneOf = <T extends string>(field: keyof TaskQueryInput, values: readonly T[]): T | null => {
    const given = input[field]
    const value = values.find((candidate) => candidate === given)
    if (given !== undefined && value === undefined) {
      issues.push({ field, detail: `must be one of ${values.join(', ')}.` })
    }
    return value ?? null
  }
  const due = (field: 'due_before' | 'due_after'): DueDate | null => {
    const given = input[field]
    const value = given === undefined ? null : parseDueDate(given)
    if (given !== undefined && value === undefined) {
      issues.push({ field, detail: instantProblem(given, DUE_DATE_HELP) })
    }
    return value ?? null
  }
  const search = input.q?.trim()
  const problem = search === undefined ? undefined : textProblem(search, 0, SEARCH_MAX)
  if (problem) issues.push({ field: 'q', detail: problem })

  const sort = oneOf('sort', SORTS) ?? 'created'
  const after = due('due_after')
  const query: TaskQuery = {
    status: oneOf('status', STATUSES) ?? 'all',
    sort,
    order: oneOf('order', ORDERS) ?? (sort === 'created' ? 'desc' : 'asc'),
    priority: oneOf('priority', PRIORITIES),
    // A bare date sorts below every instant of its day, so "before the 10th" is before its start.
    due_before: due('due_before'),
    due_after: after === null ? null : dueKey(after),
    search: search === undefined ? null : fold(search),
  }
  throwIfInvalid(issues)
  return query
}

export const matches = (task: Task, query: TaskQuery): boolean => {
  const due = taskDueKey(task)
  return (
    (query.status === 'all' || task.completed === (query.status === 'completed')) &&
    (query.priority === null || task.priority === query.priority) &&
    (query.due_before === null || compareText(due, query.due_before) < 0) &&
    (query.due_after === null || (due !== NO_DUE_DATE && compareText(due, query.due_after) > 0)) &&
    (query.search === null || searchText(task).includes(query.search))
  )
}

/** By `key`, then by `id`, both by code point. */
export type Position = Readonly<{ key: string; id: TaskId }>

export const positionOf = (task: Task, { sort }: TaskQuery): Position => ({
  id: task.id,
  key: sort === 'created' ? '' : sort === 'title' ? titleKey(task) : taskDueKey(task),
})

/** Tasks without a due date come last in both directions. */
export const comparePositions = (a: Position, b: Position, { sort, order }: TaskQuery): number => {
  const direction = order === 'asc' ? 1 : -1
  const missing = (key: string): number => (sort === 'due_date' && key === NO_DUE_DATE ? 1 : 0)
  return (
    missing(a.key) - missing(b.key) ||
    (compareText(a.key, b.key) || compareText(a.id, b.id)) * direction
  )
}

/** 1 to 200; null without one. Throws `invalid`. */
export const pageLimit = (text: string | undefined): number | null => {
  if (text === undefined) return null
  const limit = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0
  const detail = `must be a whole number from 1 to ${PAGE_MAX}.`
  throwIfInvalid(limit >= 1 && limit <= PAGE_MAX ? [] : [{ field: 'limit', detail }])
  return limit
}
