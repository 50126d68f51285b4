import type { Version } from './version.ts'

/** `field` and `detail` read together as a sentence; `operation` is an index. */
export type Issue = Readonly<{ field: string; detail: string; operation?: number }>

/** Closed: every adapter handles each kind. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'insufficient-scope'
  | 'not-found'
  | 'stale'
  | 'gone'
  | 'key-reused'
  | 'quota-exceeded'
  | 'too-many-requests'
  | 'unavailable'

type Details = Readonly<{
  issues?: readonly Issue[] | undefined
  version?: Version | undefined
  operation?: number | undefined
  retryAfter?: number | undefined
  scope?: string | undefined
  cause?: unknown
}>

/**
 * The only error thrown on purpose. `message` says what to do and never holds a received value.
 * `version` is the current one of a `stale` task, `operation` the index of the one that failed,
 * `retryAfter` is in milliseconds, `scope` the one that an `insufficient-scope` lacks.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind
  readonly issues: readonly Issue[]
  readonly version: Version | undefined
  readonly operation: number | undefined
  readonly retryAfter: number | undefined
  readonly scope: string | undefined

  constructor(
    kind: ErrorKind,
    message: string,
    { issues = [], version, operation, retryAfter, scope, cause }: Details = {},
  ) {
    super(message, { cause })
    this.name = 'DomainError'
    this.kind = kind
    this.issues = issues
    this.version = version
    this.operation = operation
    this.retryAfter = retryAfter
    this.scope = scope
  }
}

export const throwIfInvalid = (issues: readonly Issue[]): void => {
  const [first, second] = issues
  if (!first) return
  const message = second ? 'Correct the fields named in errors.' : `${first.field} ${first.detail}`
  throw new DomainError('invalid', message, { issues })
}

export const atOperation = (error: DomainError, operation: number): DomainError =>
  new DomainError(error.kind, error.message, {
    issues: error.issues.map((issue) => ({ ...issue, operation })),
    version: error.version,
    operation,
    cause: error.cause,
  })
