import { DomainError, type ErrorKind, type Issue } from '../../domain/errors.ts'

/** What an error of the transport itself is; the domain knows nothing of these. */
type TransportKind =
  | 'method-not-allowed'
  | 'payload-too-large'
  | 'unsupported-media-type'
  | 'already-exists'
  | 'too-many-requests'
  | 'internal'

export type ProblemKind = ErrorKind | TransportKind

type Answer = Readonly<{ status: number; title: string; headers?: Record<string, string> }>

const RETRY = { 'retry-after': '2' }
const LATER = { 'retry-after': '30' }

/** The one place that knows status codes (RFC 9110 section 15). */
export const ANSWERS: Record<ProblemKind, Answer> = {
  invalid: { status: 400, title: 'Invalid request' },
  unauthenticated: { status: 401, title: 'Not signed in' },
  forbidden: { status: 403, title: 'Not yours' },
  'quota-exceeded': { status: 403, title: 'Quota exceeded' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  gone: { status: 410, title: 'Start again' },
  stale: { status: 412, title: 'Changed in the meantime' },
  'payload-too-large': { status: 413, title: 'Body too large' },
  'unsupported-media-type': { status: 415, title: 'Not JSON' },
  'already-exists': { status: 422, title: 'Already exists' },
  'key-reused': { status: 422, title: 'Key used for another request' },
  'too-many-requests': { status: 429, title: 'Too many requests', headers: LATER },
  internal: { status: 500, title: 'Unexpected failure' },
  unavailable: { status: 503, title: 'Not available right now', headers: RETRY },
}

/** Thrown for what only HTTP knows; answered like every other problem. */
export class TransportError extends Error {
  readonly kind: TransportKind

  constructor(kind: TransportKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** How an issue's field is named on the wire: a JSON Pointer (RFC 6901), or a query parameter. */
export type Naming = 'pointer' | 'parameter'

/** Members of a problem document besides the standard ones (RFC 9457 section 3.2). */
type Extensions = Readonly<Record<string, string>>

type Extra = Readonly<{
  issues?: readonly Issue[]
  naming?: Naming
  headers?: Record<string, string>
  instance?: string
  extensions?: Extensions
}>

/** A problem document (RFC 9457). */
export const problem = (
  kind: ProblemKind,
  detail: string,
  { issues = [], naming = 'pointer', headers = {}, instance, extensions }: Extra = {},
): Response => {
  const { status, title, headers: fixed } = ANSWERS[kind]
  const errors = issues.map(({ field, detail: what }) =>
    naming === 'pointer'
      ? { pointer: `/${field}`, detail: what }
      : { parameter: field, detail: what },
  )
  const body = {
    type: `urn:taskport:problem:${kind}`,
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
 * Answers what was thrown; undefined when it was not thrown on purpose. `requestId` is named in the
 * answer to a failure of ours.
 */
export const problemOf = (
  error: unknown,
  requestId: string,
  naming: Naming = 'pointer',
): Response | undefined => {
  if (error instanceof TransportError) return problem(error.kind, error.message)
  if (!(error instanceof DomainError)) return undefined
  const { kind, message, issues, revision } = error
  return problem(kind, message, {
    issues,
    naming,
    ...(ANSWERS[kind].status >= 500 && { instance: instanceOf(requestId) }),
    headers: revision === undefined ? {} : { etag: `"${revision}"` },
  })
}

/** The answer to what nobody expected: names the request and tells nothing else. */
export const unexpected = (requestId: string): Response =>
  problem('internal', `Something went wrong here. Report it with the request id ${requestId}.`, {
    instance: instanceOf(requestId),
  })

const instanceOf = (requestId: string): string => `urn:taskport:request:${requestId}`
