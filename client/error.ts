import { retryAfter } from './time.ts'
import type { TaskportError as Declared } from './types.ts'

export class TaskportError extends Error implements Declared {
  readonly status: number
  readonly type: string
  readonly errors: Declared['errors']
  readonly etag: string | undefined
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
