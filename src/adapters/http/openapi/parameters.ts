import { TEXT } from './schema.ts'

type Table<Name extends string = string> = Readonly<
  Record<Name, readonly [description: string, schema: object]>
>

export const text = (keywords: object) => ({ ...TEXT, ...keywords })

const list = (location: 'query' | 'header', table: Table) =>
  Object.entries(table).map(([name, [description, schema]]) => ({
    name,
    in: location,
    description,
    schema,
  }))

export const queryParameters = <Name extends string>(table: Table<Name>) => list('query', table)

export const headerParameters = (table: Table) =>
  Object.fromEntries(list('header', table).map((parameter) => [parameter.name, parameter]))

export const parameterRef = (name: string) => ({ $ref: `#/components/parameters/${name}` })

export const sharedParameters = headerParameters({
  'If-Match': [
    'The ETags the change may be based on, or * for any. Weak tags never match. 412 if none matches.',
    text({ examples: ['"41"', '*'] }),
  ],
  'If-None-Match': [
    'The ETags the client already has, or * for any. 304 if one of them is current.',
    text({ examples: ['"41"'] }),
  ],
  'Idempotency-Key': [
    'Makes the request safe to retry for 24 hours: a request with the same key has no second effect and receives the original response. 1 to 255 visible ASCII characters, bare or quoted.',
    text({ examples: ['5f6c2f3e-6f0a-4a53-9a0f-4a8f5d1e2b7c'] }),
  ],
  'X-Request-Id': [
    'An id for the request, returned in the response. Ignored unless it matches the pattern.',
    text({ pattern: '^[A-Za-z0-9_.\\-]{1,64}$' }),
  ],
})

export const REQUEST_ID = parameterRef('X-Request-Id')
export const IF_MATCH = parameterRef('If-Match')
export const IF_NONE_MATCH = parameterRef('If-None-Match')
export const IDEMPOTENCY_KEY = parameterRef('Idempotency-Key')

/** Not a component: the plugin would add a second one beside a reference. */
export const ID = { name: 'id', in: 'path', required: true, schema: text({ format: 'uuid' }) }
