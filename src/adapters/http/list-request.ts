import type { Page } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import { parseTaskId, type Task, type UserId } from '../../domain/task.ts'
import {
  type Position,
  pageLimit,
  positionOf,
  type TaskQuery,
  type TaskQueryInput,
  taskQuery,
} from '../../domain/task-query.ts'
import { textProblem } from '../../domain/text.ts'
import { queryParameters } from './query-parameters.ts'

export const LIST_PARAMETERS = [
  'status',
  'sort',
  'order',
  'limit',
  'cursor',
  'q',
  'priority',
  'due_before',
  'due_after',
] as const

export type ListRequest = Readonly<{ query: TaskQuery; page: Page }>

/** Throws `invalid`, naming the parameter, for one that is unknown, repeated or has a bad value. */
export const listRequest = (owner: UserId, search: string): ListRequest => {
  const { limit, cursor, ...filters } = queryParameters(search, LIST_PARAMETERS)
  const query = taskQuery(filters satisfies TaskQueryInput)
  const after = cursor === undefined ? null : decodeCursor(owner, query, cursor)
  return { query, page: { limit: pageLimit(limit), after } }
}

/** The address of the page after this one, relative to the server (RFC 8288). */
export const nextPage = (owner: UserId, search: string, query: TaskQuery, last: Task): string => {
  const next = new URLSearchParams(search)
  next.set('cursor', encodeCursor(owner, query, positionOf(last, query)))
  return `</api/tasks?${next}>; rel="next"`
}

const encodeCursor = (owner: UserId, query: TaskQuery, { key, id }: Position): string =>
  `${seal(owner, query, key, id)}.${Buffer.from(JSON.stringify([key, id])).toString('base64url')}`

const decodeCursor = (owner: UserId, query: TaskQuery, cursor: string): Position => {
  try {
    const [key, id] = JSON.parse(Buffer.from(cursor.split('.')[1] ?? '', 'base64url').toString())
    const usable = typeof key === 'string' && typeof id === 'string' && !textProblem(key, 0, 1000)
    if (usable && parseTaskId(id) === id && encodeCursor(owner, query, { key, id }) === cursor) {
      return { key, id }
    }
  } catch {}
  throw new DomainError('invalid', 'Correct the parameter named in errors.', {
    issues: [{ field: 'cursor', detail: 'is not of this list. Start again without it.' }],
  })
}

/** Binds a cursor to its user, order and filters, and shows damage. It guards no secret. */
const seal = (owner: UserId, query: TaskQuery, key: string, id: string): string =>
  Bun.hash(JSON.stringify([owner, query, key, id])).toString(36)
