import { PROBLEMS, problemType } from '../transport/problem.ts'
import { references, sharedSchemas, TEXT } from './schema.ts'

/** Those with `required` are on every response that refers to them. */
export const headers = {
  'X-Request-Id': {
    description: "Identifies the request in the log: the client's id, or a generated one.",
    required: true,
    schema: TEXT,
  },
  ETag: {
    description: 'The version, for If-None-Match and If-Match: strong for a task, weak for a list.',
    required: true,
    schema: { ...TEXT, examples: ['"41"'] },
  },
  Location: { description: 'The created resource, or where to go.', required: true, schema: TEXT },
  'Idempotency-Replayed': {
    description: 'Present, with the value true, if this response repeats an earlier one.',
    schema: { ...TEXT, const: 'true' },
  },
  Link: {
    description: 'The next page, as rel="next" (RFC 8288); present exactly if there is one.',
    schema: TEXT,
  },
  'WWW-Authenticate': {
    description: 'Distinguishes a missing token, a rejected one, and one that lacks a scope.',
    required: true,
    schema: {
      ...TEXT,
      pattern: '^Bearer( error="(invalid_token|insufficient_scope)"(, scope="[a-z:]+")?)?$',
      examples: ['Bearer', 'Bearer error="insufficient_scope", scope="tasks:read"'],
    },
  },
  RateLimit: {
    description:
      'The requests that the user has left (r) and the seconds until all are back (t), as in draft-ietf-httpapi-ratelimit-headers.',
    schema: { ...TEXT, examples: ['"requests";r=998;t=1'] },
  },
  'Retry-After': {
    description: 'Seconds to wait before the next attempt.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  },
}

type Header = keyof typeof headers

const headersOf = (names: readonly Header[]) =>
  Object.fromEntries(
    ['X-Request-Id', 'RateLimit', ...names].map((name) => [
      name,
      { $ref: `#/components/headers/${name}` },
    ]),
  )

const FAILURES = {
  invalid: ['The request is malformed, or a value in it is invalid.'],
  unauthenticated: ['The token is missing, expired or invalid.', 'WWW-Authenticate'],
  forbidden: ['The resource belongs to another user, or the origin is not trusted.'],
  'insufficient-scope': ['The personal token lacks the scope.', 'WWW-Authenticate'],
  'quota-exceeded': ['The user has the most tasks, bytes of tasks, webhooks or tokens allowed.'],
  'not-found': ['No resource has this id.'],
  stale: ['The version of the task is none of those in If-Match.', 'ETag'],
  'payload-too-large': ['The body is larger than 64 KiB.'],
  'unsupported-media-type': ['The body is not uncompressed UTF-8 JSON, or not declared as such.'],
  'request-timeout': ['The body did not arrive within 8 seconds.'],
  gone: ['The changes since this position are no longer available. Synchronize from the start.'],
  'key-reused': ['The Idempotency-Key was used for a different request.'],
  'already-exists': ['An account with this email address exists.'],
  'sign-up-closed': ['This server lets no one sign up, or one person only.'],
  'too-many-requests': [
    'Too many requests, changes, pings, replays, sign-ins or open streams. Retry later.',
    'Retry-After',
  ],
  internal: ['An unexpected error. The response identifies the request and nothing else.'],
  unavailable: [
    'The storage, or the key set to verify tokens with, is unreachable.',
    'Retry-After',
  ],
} as const satisfies Partial<
  Record<keyof typeof PROBLEMS, readonly [description: string, ...headers: Header[]]>
>

export type Failure = keyof typeof FAILURES

const { Problem } = references(sharedSchemas)

const failure = (kind: Failure) => {
  const [description, ...names] = FAILURES[kind]
  const { status, title } = PROBLEMS[kind]
  const exact = { type: problemType(kind), title, status }
  const properties = Object.fromEntries(
    Object.entries(exact).map(([name, value]) => [name, { const: value }]),
  )
  const media = {
    schema: { allOf: [Problem, { properties }] },
    example: { ...exact, detail: description },
  }
  return { description, headers: headersOf(names), content: { 'application/problem+json': media } }
}

export const failureResponses = (...kinds: readonly Failure[]) =>
  Object.fromEntries(kinds.map((kind) => [kind, failure(kind)]))

/** Those of accounts alone, and those that only come as one of several of their status. */
const UNSHARED: readonly Failure[] = [
  'already-exists',
  'sign-up-closed',
  'forbidden',
  'quota-exceeded',
]

export const sharedResponses = failureResponses(
  ...(Object.keys(FAILURES) as Failure[]).filter((kind) => !UNSHARED.includes(kind)),
)

export const failures = (...kinds: readonly Failure[]) => {
  const byStatus = Map.groupBy(new Set(kinds), (kind) => PROBLEMS[kind].status)
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, oneOf(same)]))
}

const oneOf = (kinds: readonly Failure[]) => {
  const [first, ...others] = kinds.map(failure)
  if (others.length === 0) return { $ref: `#/components/responses/${kinds[0]}` }
  const all = [first, ...others].flatMap((each) => each ?? [])
  const schema = { anyOf: all.map(({ content }) => content['application/problem+json'].schema) }
  return {
    description: all.map(({ description }) => description).join(' Or: '),
    headers: Object.assign({}, ...all.map((each) => each.headers), optional(all)),
    content: { 'application/problem+json': { schema } },
  }
}

/** The headers that some of the failures lack. */
const optional = (all: readonly ReturnType<typeof failure>[]) =>
  Object.fromEntries(
    (Object.keys(headers) as Header[])
      .filter(
        (name) =>
          all.some((one) => name in one.headers) && !all.every((one) => name in one.headers),
      )
      .map((name) => [name, { ...headers[name], required: false }]),
  )

export const response = (description: string, schema: object | null, ...names: Header[]) => ({
  description,
  headers: headersOf(names),
  ...(schema && { content: { 'application/json': { schema } } }),
})

export const download = (description: string, ...types: readonly string[]) => ({
  description,
  headers: headersOf([]),
  content: Object.fromEntries(types.map((type) => [type, { schema: TEXT }])),
})

export const redirect = (description: string) => ({
  description,
  headers: headersOf(['Location']),
})

export const eventStream = (description: string, event: string) => ({
  description,
  headers: headersOf([]),
  content: { 'text/event-stream': { schema: { ...TEXT, description: event } } },
})
