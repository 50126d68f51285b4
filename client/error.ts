import { retryAfter } from './time.ts'

/** An unsuccessful response: a problem document (RFC 9457), as far as it is one. */
export class TaskportError extends Error {
  readonly status: number
  /** Such as `urn:taskport:problem:stale`. */
  readonly type: string
  readonly errors: readonly Readonly<{ pointer?: string; parameter?: string; detail: string }>[]
  /** With status 412: the ETag that the task has now. */
  readonly etag: string | undefined
  /** Milliseconds to wait before another attempt, 0 when the server named none. */
  readonly retryAfter: number

  constructor(status: number, problem: unknown, headers = new Headers()) {
    const { type, detail, errors } = (problem ?? {}) as Record<string, unknown>
    super(typeof detail === 'string' ? detail : `The server responded with status ${status}.`)
    this.name = 'TaskportError'
    this.status = status
    this.type = typeof type === 'string' ? type : 'about:blank'
    this.errors = Array.isArray(errors) ? errors : []
    this.etag = headers.get('etag') ?? undefined
    this.retryAfter = retryAfter(headers)
  }
}
