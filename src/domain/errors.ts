/** One field of the input, by its name, and what to do about it: read together, a sentence. */
export type Issue = Readonly<{ field: string; detail: string }>

/** Why a request cannot be served. The union is closed: every adapter answers each of them. */
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

type Details = Readonly<{ issues?: readonly Issue[]; revision?: number; cause?: unknown }>

/**
 * The only error the domain, the use cases and the adapters throw on purpose.
 * `message` is one sentence for the caller that says what to do; it never holds a value received.
 * `issues` names the fields of an `invalid` input; `revision` is the current one of a `stale` task.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind
  readonly issues: readonly Issue[]
  readonly revision: number | undefined

  constructor(kind: ErrorKind, message: string, { issues = [], revision, cause }: Details = {}) {
    super(message, { cause })
    this.name = 'DomainError'
    this.kind = kind
    this.issues = issues
    this.revision = revision
  }
}

/** Throws `invalid` when there is at least one issue. */
export const refuse = (issues: readonly Issue[]): void => {
  const [first, second] = issues
  if (!first) return
  const message = second ? 'Correct the fields named in errors.' : `${first.field} ${first.detail}`
  throw new DomainError('invalid', message, { issues })
}
