import { AUTHENTICATED, describeOperations } from '../openapi/operation.ts'
import { headerParameters, parameterRef, queryParameters, text } from '../openapi/parameters.ts'
import { eventStream, response } from '../openapi/responses.ts'
import {
  type CHANGE_PARAMETERS,
  CHANGES_DEFAULT,
  CHANGES_MAX,
  type EVENT_PARAMETERS,
} from './position.ts'
import { changeRef } from './schema.ts'

const SINCE = [
  'The position to continue from: the cursor of an earlier response, or a revision. Without it, all tasks are returned and no deletions.',
  text({ examples: ['41', '41.9k2f'] }),
] as const

const CHANGE_QUERY = queryParameters<(typeof CHANGE_PARAMETERS)[number]>({
  since: SINCE,
  limit: [
    'The page size.',
    { type: 'integer', minimum: 1, maximum: CHANGES_MAX, default: CHANGES_DEFAULT },
  ],
})

const EVENT_QUERY = queryParameters<(typeof EVENT_PARAMETERS)[number]>({ since: SINCE })

export const parameters = headerParameters({
  'Last-Event-ID': [
    'The id of the last event received; takes precedence over since.',
    text({ examples: ['41'] }),
  ],
})

const COMMON = { ...AUTHENTICATED, scope: 'tasks:read' } as const

export const operations = describeOperations('changes', COMMON, {
  listChanges: {
    summary: 'List changes',
    description:
      'Each changed task once, in its latest state, and each deletion, ordered by revision. No change is lost under concurrent writes. Continue from cursor until has_more is false.',
    parameters: CHANGE_QUERY,
    responses: { 200: response('The changes.', changeRef.Changes) },
    failures: ['invalid', 'gone'],
  },
  followChanges: {
    summary: 'Follow changes',
    description:
      'The same changes as server-sent events: those since the given position, then each new one. The data of an event is a change, its id the revision; an event named current, with revision and cursor, marks the end of what is available for now. Reconnect with Last-Event-ID, or with the cursor as since. The stream ends when the token expires, and within 15 seconds when it is revoked. Without Authorization a session cookie is accepted, for the EventSource of browsers, from pages of the same origin and of CORS_ORIGINS; the stream then ends after 15 minutes, and EventSource reconnects.',
    parameters: [...EVENT_QUERY, parameterRef('Last-Event-ID')],
    responses: {
      200: eventStream(
        'An endless stream of events.',
        'The data of an event is a Change, on one line.',
      ),
    },
    failures: ['invalid', 'gone', 'too-many-requests'],
  },
})
