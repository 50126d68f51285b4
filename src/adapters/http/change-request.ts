import type { FeedPosition } from '../../domain/change.ts'
import { DomainError, refuse } from '../../domain/errors.ts'
import { queryParameters } from './query-parameters.ts'

export const CHANGE_PARAMETERS = ['since', 'limit'] as const
export const EVENT_PARAMETERS = ['since'] as const
export const CHANGES_MAX = 1000
export const CHANGES_DEFAULT = 200

const CURSOR = /^(0|[1-9][0-9]{0,14})(?:\.([0-9a-z]{0,32})(?:\.([1-9][0-9]{0,14}))?)?$/

/** A position as text: a revision, the history it was reached in, the snapshot it is part of. */
export const encodePosition = ({ revision, history, snapshot }: FeedPosition): string =>
  [revision, history ?? '', snapshot ?? ''].join('.').replace(/\.+$/, '')

const decodePosition = (text: string): FeedPosition | undefined => {
  const match = CURSOR.exec(text)
  if (!match) return undefined
  const [, revision, history, snapshot] = match
  return {
    revision: Number(revision),
    history: history || null,
    snapshot: snapshot === undefined ? null : Number(snapshot),
  }
}

/** What `GET /api/changes` asks for. Throws `invalid`, naming the parameter. */
export const changeRequest = (search: string): { from: FeedPosition | null; limit: number } => {
  const { since, limit = String(CHANGES_DEFAULT) } = queryParameters(search, CHANGE_PARAMETERS)
  const size = /^[0-9]{1,4}$/.test(limit) ? Number(limit) : 0
  const detail = `must be a whole number from 1 to ${CHANGES_MAX}.`
  refuse(size >= 1 && size <= CHANGES_MAX ? [] : [{ field: 'limit', detail }])
  return { from: positionFrom(since), limit: size }
}

/**
 * Where `GET /api/events` starts: `Last-Event-ID`, which a browser sends by itself when it connects
 * again, else `since`. The history that the latter names has to be that of the former too.
 */
export const eventRequest = (search: string, headers: Headers): FeedPosition | null => {
  const since = positionFrom(queryParameters(search, EVENT_PARAMETERS).since)
  const id = headers.get('last-event-id')
  if (!id) return since
  const last = decodePosition(id)
  if (!last) {
    throw new DomainError('invalid', 'Last-Event-ID must be the id of an event that was received.')
  }
  return { ...last, history: last.history ?? since?.history ?? null }
}

const positionFrom = (since: string | undefined): FeedPosition | null => {
  const position = since === undefined ? null : decodePosition(since)
  if (position === undefined) {
    const detail = 'must be a revision, or a cursor as it was given. Without it you start anew.'
    refuse([{ field: 'since', detail }])
  }
  return position ?? null
}
