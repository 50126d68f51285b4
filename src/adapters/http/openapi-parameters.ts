import {
  ORDERS,
  PAGE_MAX,
  PRIORITIES,
  SEARCH_MAX,
  SORTS,
  STATUSES,
} from '../../domain/task-query.ts'
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

const HEADER: Record<string, [description: string, schema: object]> = {
  'If-Match': [
    'The ETags on which you want the change, or * for any. Weak ones never match. 412 when stale.',
    text({ examples: ['"41"', '*'] }),
  ],
  'If-None-Match': [
    'The ETags that you have. 304 when one of them is current.',
    text({ examples: ['"41"'] }),
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

export const LIST_QUERY = listed('query', QUERY)
