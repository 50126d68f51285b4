import { DomainError, type ErrorKind, type Issue } from '../../../domain/errors.ts'
import { taskTag } from './entity-tag.ts'

type TransportKind =
  | 'method-not-allowed'
  | 'request-timeout'
  | 'payload-too-large'
  | 'unsupported-media-type'
  | 'already-exists'
  | 'sign-up-closed'
  | 'internal'

export type ProblemKind = ErrorKind | TransportKind

type Kind = Readonly<{ status: number; title: string; headers?: Record<string, string> }>

/** The only place that knows status codes (RFC 9110 section 15). */
export const PROBLEMS: Record<ProblemKind, Kind> = {
  invalid: { status: 400, title: 'Invalid request' },
  unauthenticated: {
    status: 401,
    title: 'Unauthorized',
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  },
  forbidden: { status: 403, title: 'Forbidden' },
  'insufficient-scope': {
    status: 403,
    title: 'Insufficient scope',
    headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' },
  },
  'sign-up-closed': { status: 403, title: 'Sign-up closed' },
  'quota-exceeded': { status: 403, title: 'Quota exceeded' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'request-timeout': {
    status: 408,
    title: 'Request timeout',
    headers: { connection: 'close' },
  },
  gone: { status: 410, title: 'Cursor expired' },
  stale: { status: 412, title: 'Precondition failed' },
  'payload-too-large': { status: 413, title: 'Content too large' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'already-exists': { status: 422, title: 'Already exists' },
  'key-reused': { status: 422, title: 'Idempotency key reused' },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    headers: { 'retry-after': '30' },
  },
  internal: { status: 500, title: 'Internal server error' },
  unavailable: { status: 503, title: 'Service unavailable', headers: { 'retry-after': '2' } },
}

export const problemType = (kind: string): string => `urn:taskport:problem:${kind}`

export class TransportError extends Error {
  readonly kind: TransportKind

  constructor(kind: TransportKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** A JSON Pointer (RFC 6901), or a query parameter. */
export type Naming = 'pointer' | 'parameter'

type Extra = Readonly<{
  issues?: readonly Issue[]
  naming?: Naming
  headers?: Record<string, string>
  instance?: string
  /** Members besides the standard ones (RFC 9457 section 3.2). */
  extensions?: Readonly<Record<string, string>>
}>

/** A problem document (RFC 9457). */
export const problem = (
  kind: ProblemKind,
  detail: string,
  { issues = [], naming = 'pointer', headers = {}, instance, extensions }: Extra = {},
): Response => {
  const { status, title, headers: fixed } = PROBLEMS[kind]
  const errors = issues.map((issue) =>
    naming === 'pointer'
      ? { pointer: `/${issue.field}`, detail: issue.detail }
      : { parameter: issue.field, detail: issue.detail },
  )
  const body = {
    type: problemType(kind),
    title,
    status,
    detail,
    ...(instance && { instance }),
    ...(errors.length > 0 && { errors }),
    ...extensions,
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...fixed, ...headers },
  })
}

/**
 * Undefined for an unexpected error. A 5xx names the request. `hasMessage` repeats the detail as
 * `message`, which the client of the identity provider's library shows.
 */
export const problemOf = (
  error: unknown,
  requestId: string,
  naming: Naming = 'pointer',
  hasMessage = false,
): Response | undefined => {
  if (!(error instanceof DomainError || error instanceof TransportError)) return undefined
  const extensions = hasMessage ? { message: error.message } : {}
  if (error instanceof TransportError) return problem(error.kind, error.message, { extensions })
  const { kind, message, issues, version, retryAfter, scope } = error
  return problem(kind, message, {
    extensions,
    issues,
    naming,
    ...(PROBLEMS[kind].status >= 500 && { instance: instanceOf(requestId) }),
    headers: {
      ...(version !== undefined && { etag: taskTag(version) }),
      ...(scope !== undefined && {
        'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
      }),
      ...(retryAfter !== undefined && { 'retry-after': String(Math.ceil(retryAfter / 1000)) }),
    },
  })
}

/** Names the request and reveals nothing else. */
export const unexpected = (requestId: string): Response =>
  problem('internal', `An unexpected error occurred. Report it with request id ${requestId}.`, {
    instance: instanceOf(requestId),
  })

const instanceOf = (requestId: string): string => `urn:taskport:request:${requestId}`
