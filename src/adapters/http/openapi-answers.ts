import { problemType, schemaOf } from './openapi-schemas.ts'
import { ANSWERS } from './problem.ts'

const TEXT = { type: 'string' }

/** Those with `required` are on every answer that names them. */
export const headers = {
  'X-Request-Id': {
    description: 'Names the request in the log: your own id, or one made for it.',
    required: true,
    schema: TEXT,
  },
  ETag: {
    description: 'What If-None-Match and If-Match take: a revision in quotes; weak for a list.',
    required: true,
    schema: { ...TEXT, examples: ['"41"'] },
  },
  Location: { description: 'The address of what is new.', required: true, schema: TEXT },
  'Idempotency-Replayed': {
    description: 'There, and true, when the same request with the same key had been carried out.',
    schema: { ...TEXT, const: 'true' },
  },
  Link: {
    description: 'The next page, as rel="next" (RFC 8288); present exactly when there is one.',
    schema: TEXT,
  },
  'WWW-Authenticate': {
    description: 'Tells a token that is missing from one that was refused.',
    required: true,
    schema: { ...TEXT, enum: ['Bearer', 'Bearer error="invalid_token"'] },
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
    ['X-Request-Id', ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  )

/** When each problem comes, and the headers that it has. */
const FAILURES = {
  invalid: ['The request is malformed, or a value in it is not acceptable.'],
  unauthenticated: ['The token is missing, has expired or is not valid here.', 'WWW-Authenticate'],
  forbidden: ['The task belongs to another user.'],
  'quota-exceeded': ['You have as many tasks, or webhooks, as are allowed.'],
  'not-found': ['There is nothing with this id.'],
  stale: ['The revision of the task is none of those in If-Match.', 'ETag'],
  'payload-too-large': ['The body is larger than 64 KiB.'],
  'unsupported-media-type': ['The body is not uncompressed UTF-8 JSON, or not declared as it.'],
  gone: ['Changes since then are not all known any more, or are of another history. Start anew.'],
  'key-reused': ['The Idempotency-Key came with another request before.'],
  'already-exists': ['There is an account with this e-mail address.'],
  'too-many-requests': [
    'Too many attempts from one address, or streams of one user.',
    'Retry-After',
  ],
  internal: ['Something unexpected failed; the answer names the request and nothing else.'],
  unavailable: ['The storage, or the key to check a token with, is out of reach.', 'Retry-After'],
} as const satisfies Partial<
  Record<keyof typeof ANSWERS, readonly [description: string, ...headers: Header[]]>
>

export type Failure = keyof typeof FAILURES

const failure = (kind: Failure) => {
  const [description, ...names] = FAILURES[kind]
  const { status, title } = ANSWERS[kind]
  const exact = { type: problemType(kind), title, status }
  const properties = Object.fromEntries(
    Object.entries(exact).map(([name, value]) => [name, { const: value }]),
  )
  const media = {
    schema: { allOf: [schemaOf('Problem'), { properties }] },
    example: { ...exact, detail: description },
  }
  return { description, headers: headersOf(names), content: { 'application/problem+json': media } }
}

/** This only the identity provider's routes answer with. */
const OF_ACCOUNTS = ['already-exists'] as const satisfies Failure[]

const described = (kinds: readonly Failure[]) =>
  Object.fromEntries(kinds.map((kind) => [kind, failure(kind)]))

const isOfAccounts = (kind: Failure): boolean => OF_ACCOUNTS.some((other) => other === kind)

export const responses = described(
  (Object.keys(FAILURES) as Failure[]).filter((kind) => !isOfAccounts(kind)),
)
export const accountResponses = described(OF_ACCOUNTS)

/** The problems an operation can answer with, by their status; some share one. */
export const failures = (...kinds: readonly Failure[]) => {
  const byStatus = Map.groupBy(kinds, (kind) => ANSWERS[kind].status)
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, oneOf(same)]))
}

const oneOf = (kinds: readonly Failure[]) => {
  const [first, ...others] = kinds.map(failure)
  if (others.length === 0) return { $ref: `#/components/responses/${kinds[0]}` }
  const all = [first, ...others].flatMap((each) => each ?? [])
  const schema = { anyOf: all.map(({ content }) => content['application/problem+json'].schema) }
  return {
    description: all.map(({ description }) => description).join(' Or: '),
    headers: Object.assign({}, ...all.map((each) => each.headers)),
    content: { 'application/problem+json': { schema } },
  }
}

/** An answer when all is well; without a schema it has no body. */
export const answer = (description: string, schema: object | null, ...names: Header[]) => ({
  description,
  headers: headersOf(names),
  ...(schema && { content: { 'application/json': { schema } } }),
})

/** An endless answer of server-sent events. */
export const eventStream = (description: string, each: string) => ({
  description,
  headers: headersOf([]),
  content: { 'text/event-stream': { schema: { ...TEXT, description: each } } },
})
