import type { Version } from './version.ts'

/**
 * One field of the input, by its name, and what to do about it: read together, a sentence.
 * `operation` is the index of the operation it belongs to, where there are several.
 */
export type Issue = Readonly<{ field: string; detail: string; operation?: number }>

/** Why a request cannot be served. The union is closed: every adapter handles each of them. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'stale'
  | 'gone'
  | 'key-reused'
  | 'quota-exceeded'
  | 'unavailable'

type Details = Readonly<{
  issues?: readonly Issue[] | undefined
  version?: Version | undefined
  operation?: number | undefined
  cause?: unknown
}>

/**
 * The only error the domain, the use cases and the adapters throw on purpose.
 * `message` is one sentence for the caller that says what to do; it never holds a value received.
 * `issues` names the fields of an `invalid` input, `version` is the current one of a `stale` task,
 * `operation` is the index of the operation that failed.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind
  readonly issues: readonly Issue[]
  readonly version: Version | undefined
  readonly operation: number | undefined

  constructor(
    kind: ErrorKind,
    message: string,
    { issues = [], version, operation, cause }: Details = {},
  ) {
    super(message, { cause })
    this.name = 'DomainError'
    this.kind = kind
    this.issues = issues
    this.version = version
    this.operation = operation
  }
}

/** Throws `invalid` when there is at least one issue. */
export const throwIfInvalid = (issues: readonly Issue[]): void => {
  const [first, second] = issues
  if (!first) return
  const message = second ? 'Correct the fields named in errors.' : `${first.field} ${first.detail}`
  throw new DomainError('invalid', message, { issues })
}

/** The same error, naming the operation that failed. */
export const atOperation = (error: DomainError, operation: number): DomainError =>
  new DomainError(error.kind, error.message, {
    issues: error.issues.map((issue) => ({ ...issue, operation })),
    version: error.version,
    operation,
    cause: error.cause,
  })
