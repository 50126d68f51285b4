import type { Page } from '../../../application/ports.ts'
import { DomainError } from '../../../domain/errors.ts'
import { parseTaskId, type Task, type UserId } from '../../../domain/task.ts'
import {
  type Position,
  pageLimit,
  positionOf,
  type TaskQuery,
  type TaskQueryInput,
  taskQuery,
} from '../../../domain/task-query.ts'
import { textProblem } from '../../../domain/text.ts'
import { queryParameters } from '../transport/query-parameters.ts'

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

type Parameters = Readonly<Partial<Record<(typeof LIST_PARAMETERS)[number], string>>>

export type ListRequest = Readonly<{
  owner: UserId
  parameters: Parameters
  query: TaskQuery
  page: Page
}>

/** Throws `invalid` for unknown, repeated and invalid parameters. */
export const readListRequest = (owner: UserId, search: string): ListRequest => {
  const parameters = queryParameters(search, LIST_PARAMETERS)
  const { limit, cursor, ...filters } = parameters
  const query = taskQuery(filters satisfies TaskQueryInput)
  const after = cursor === undefined ? null : decodeCursor(owner, query, cursor)
  return { owner, parameters, query, page: { limit: pageLimit(limit), after } }
}

/** The Link header for the page after `last` (RFC 8288). */
export const nextPage = ({ owner, parameters, query }: ListRequest, last: Task): string => {
  const cursor = encodeCursor(owner, query, positionOf(last, query))
  const pairs = Object.entries({ ...parameters, cursor })
  const search = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  return `</api/tasks?${search}>; rel="next"`
}

const encodeCursor = (owner: UserId, query: TaskQuery, { key, id }: Position): string =>
  `${checksum(owner, query, key, id)}.${Buffer.from(JSON.stringify([key, id])).toString('base64url')}`

const decodeCursor = (owner: UserId, query: TaskQuery, cursor: string): Position => {
  try {
    const [key, id] = JSON.parse(Buffer.from(cursor.split('.')[1] ?? '', 'base64url').toString())
    const usable = typeof key === 'string' && typeof id === 'string' && !textProblem(key, 0, 1000)
    if (usable && parseTaskId(id) === id && encodeCursor(owner, query, { key, id }) === cursor) {
      return { key, id }
    }
  } catch {}
  throw new DomainError('invalid', 'Correct the parameter listed in errors.', {
    issues: [{ field: 'cursor', detail: 'does not belong to this list. Start again without it.' }],
  })
}

/** Binds a cursor to its user, order and filters, and reveals damage. It protects no secret. */
const checksum = (owner: UserId, query: TaskQuery, key: string, id: string): string =>
  Bun.hash(JSON.stringify([owner, query, key, id])).toString(36)
