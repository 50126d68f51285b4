import {
  ORDERS,
  PAGE_MAX,
  PRIORITIES,
  SEARCH_MAX,
  SORTS,
  STATUSES,
} from '../../domain/task-query.ts'
import {
  type CHANGE_PARAMETERS,
  CHANGES_DEFAULT,
  CHANGES_MAX,
  type EVENT_PARAMETERS,
} from './change-request.ts'
import type { LIST_PARAMETERS } from './list-request.ts'

const text = (keywords: object = {}) => ({ type: 'string', ...keywords })

const DUE = text({ examples: ['2026-02-10', '2026-02-10T09:00:00+01:00'] })

/** What a list takes. */
const QUERY: Record<(typeof LIST_PARAMETERS)[number], [description: string, schema: object]> = {
  status: ['Which tasks.', text({ enum: STATUSES, default: 'all' })],
  sort: ['By what; tasks without a due date come last.', text({ enum: SORTS, default: 'created' })],
  order: ['Unless given, newest first for created, else ascending.', text({ enum: ORDERS })],
  limit: [
    'The size of a page; without it the whole list comes.',
    { type: 'integer', minimum: 1, maximum: PAGE_MAX },
  ],
  cursor: ['Where the page starts, as the Link of the page before says.', text()],
  q: [
    'What title or description contain, whatever the case and accents.',
    text({ maxLength: SEARCH_MAX }),
  ],
  priority: ['Tasks of this priority only.', text({ enum: PRIORITIES })],
  due_before: ['Tasks due before this date or instant only.', DUE],
  due_after: ['Tasks due after this date or instant only.', DUE],
}

const SINCE =
  'How far you are: the cursor of an answer before, or the revision of any change. Without it you get all tasks and no deletions.'

/** What the change feed takes. */
const CHANGES: Record<(typeof CHANGE_PARAMETERS)[number], [description: string, schema: object]> = {
  since: [SINCE, text({ examples: ['41', '41.9k2f'] })],
  limit: [
    'How many changes at once.',
    { type: 'integer', minimum: 1, maximum: CHANGES_MAX, default: CHANGES_DEFAULT },
  ],
}

const EVENTS: Record<(typeof EVENT_PARAMETERS)[number], [description: string, schema: object]> = {
  since: CHANGES.since,
}

const HEADER: Record<string, [description: string, schema: object]> = {
  'If-Match': [
    'The ETags on which you want the change, or * for any. Weak ones never match. 412 when stale.',
    text({ examples: ['"41"', '*'] }),
  ],
  'If-None-Match': [
    'The ETags that you have. 304 when one of them is current.',
    text({ examples: ['"41"'] }),
  ],
  'Idempotency-Key': [
    'Makes the request safe to repeat for 24 hours: sent again with the same key it changes nothing and gets the answer it got first. 1 to 255 visible ASCII characters, bare or in quotes.',
    text({ examples: ['5f6c2f3e-6f0a-4a53-9a0f-4a8f5d1e2b7c'] }),
  ],
  'Last-Event-ID': [
    'The id of the last event that was received; goes before since.',
    text({ examples: ['41'] }),
  ],
  'X-Request-Id': [
    'Your own id for the request; one of another form is passed over.',
    text({ pattern: '^[A-Za-z0-9_.\\-]{1,64}$' }),
  ],
}

const listed = (place: string, table: Record<string, [description: string, schema: object]>) =>
  Object.entries(table).map(([name, [description, schema]]) => ({
    name,
    in: place,
    description,
    schema,
  }))

export const parameters = Object.fromEntries(
  listed('header', HEADER).map((parameter) => [parameter.name, parameter]),
)

const headerOf = (name: string) => ({ $ref: `#/components/parameters/${name}` })

export const REQUEST_ID = headerOf('X-Request-Id')
export const IF_MATCH = headerOf('If-Match')
export const IF_NONE_MATCH = headerOf('If-None-Match')

/** The plugin would add a second one next to a reference. */
export const TASK_ID = { name: 'id', in: 'path', required: true, schema: text({ format: 'uuid' }) }

export const IDEMPOTENCY_KEY = headerOf('Idempotency-Key')
export const LAST_EVENT_ID = headerOf('Last-Event-ID')

export const WEBHOOK_ID = { ...TASK_ID, schema: text() }

export const LIST_QUERY = listed('query', QUERY)
export const CHANGE_QUERY = listed('query', CHANGES)
export const EVENT_QUERY = listed('query', EVENTS)
