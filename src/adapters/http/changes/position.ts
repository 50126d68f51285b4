import type { FeedPosition } from '../../../domain/change.ts'
import { DomainError, throwIfInvalid } from '../../../domain/errors.ts'
import type { Revision } from '../../../domain/task.ts'
import { queryParameters } from '../transport/query-parameters.ts'

export const CHANGE_PARAMETERS = ['since', 'limit'] as const
export const EVENT_PARAMETERS = ['since'] as const
export const CHANGES_MAX = 1000
export const CHANGES_DEFAULT = 200

const CURSOR = /^(0|[1-9][0-9]*)(?:\.([0-9a-z]{0,32})(?:\.([1-9][0-9]*))?)?$/

/** A revision too large to be exact is ahead of every other, as is the largest exact one. */
const revisionOf = (digits: string): Revision => Math.min(Number(digits), Number.MAX_SAFE_INTEGER)

/** `<revision>.<timeline>.<snapshot>`, without what is absent at the end. */
export const encodePosition = ({ revision, timeline, snapshot }: FeedPosition): string =>
  [revision, timeline ?? '', snapshot ?? ''].join('.').replace(/\.+$/, '')

const decodePosition = (text: string): FeedPosition | undefined => {
  const match = CURSOR.exec(text)
  if (!match) return undefined
  const [, revision = '', timeline, snapshot] = match
  return {
    revision: revisionOf(revision),
    timeline: timeline || null,
    snapshot: snapshot === undefined ? null : revisionOf(snapshot),
  }
}

export const readChangeRequest = (search: string): { from: FeedPosition | null; limit: number } => {
  const { since, limit = String(CHANGES_DEFAULT) } = queryParameters(search, CHANGE_PARAMETERS)
  const size = /^[0-9]{1,4}$/.test(limit) ? Number(limit) : 0
  const detail = `must be a whole number from 1 to ${CHANGES_MAX}.`
  throwIfInvalid(size >= 1 && size <= CHANGES_MAX ? [] : [{ field: 'limit', detail }])
  return { from: positionOf(since), limit: size }
}

/** `Last-Event-ID`, or else `since`, which also names the timeline of a plain id. */
export const readEventRequest = (search: string, headers: Headers): FeedPosition | null => {
  const since = positionOf(queryParameters(search, EVENT_PARAMETERS).since)
  const id = headers.get('last-event-id')
  if (!id) return since
  const last = decodePosition(id)
  if (!last) {
    throw new DomainError('invalid', 'Last-Event-ID must be the id of a received event.')
  }
  return { ...last, timeline: last.timeline ?? since?.timeline ?? null }
}

const positionOf = (since: string | undefined): FeedPosition | null => {
  const position = since === undefined ? null : decodePosition(since)
  if (position === undefined) {
    const detail = 'must be a revision or a cursor. Omit it to start from the beginning.'
    throwIfInvalid([{ field: 'since', detail }])
  }
  return position ?? null
}
