/** Where the server is, and how to be let in. */
export type Connection = Readonly<{
  /** Its origin, such as `https://tasks.example.com`. */
  url: string
  /** Gives the token to send. It is given one that was refused, so that it gets another. */
  token: (refused?: string) => string | Promise<string>
  /** Takes the place of the global one. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** How often a request is sent at most; 6 unless told. */
  attempts?: number
  /** Milliseconds to wait before the second attempt; it doubles each time, and varies. */
  pause?: number
  /** Milliseconds that one attempt may take; 15 000 unless told. */
  timeout?: number
}>

export type RequestOptions = Readonly<{
  signal?: AbortSignal
  /** Makes the request the same as an earlier one, for example from before the page was left. */
  idempotencyKey?: string
}>

type Call = RequestOptions & Readonly<{ headers?: Record<string, string>; body?: unknown }>

export type Answer<Body> = Readonly<{ status: number; headers: Headers; body: Body }>

/** An answer that is no success: a problem document (RFC 9457), as far as it is one. */
export class TaskportError extends Error {
  readonly status: number
  /** Such as `urn:taskport:problem:stale`. */
  readonly type: string
  /** One for each bad member, by its JSON Pointer. */
  readonly errors: readonly Readonly<{ pointer?: string; parameter?: string; detail: string }>[]

  constructor(status: number, problem: unknown) {
    const { type, detail, errors } = (problem ?? {}) as Record<string, unknown>
    super(typeof detail === 'string' ? detail : `The server answered ${status}.`)
    this.name = 'TaskportError'
    this.status = status
    this.type = typeof type === 'string' ? type : 'about:blank'
    this.errors = Array.isArray(errors) ? errors : []
  }
}

const AGAIN = new Set([429, 502, 503, 504])
const LONGEST = 30_000

/** Sends requests until they are answered: again after a network error, and when the server asks to. */
export const requester = (connection: Connection) => {
  const { url, token, attempts = 6, pause = 200, timeout = 15_000 } = connection
  const send = connection.fetch ?? ((address, init) => fetch(address, init))

  return async <Body>(
    method: string,
    path: string,
    { signal, idempotencyKey, headers = {}, body }: Call = {},
  ): Promise<Answer<Body>> => {
    const fixed = {
      ...headers,
      ...(method !== 'GET' && { 'idempotency-key': idempotencyKey ?? newKey() }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    let refused: string | undefined
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted()
      const bearer = await token(refused)
      const limits = [AbortSignal.timeout(timeout), ...(signal ? [signal] : [])]
      let wait = 0
      try {
        const response = await send(`${url}${path}`, {
          method,
          headers: { ...fixed, authorization: `Bearer ${bearer}` },
          signal: AbortSignal.any(limits),
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        const answer = await read<Body>(response)
        if (response.ok) return answer
        if (response.status === 401 && refused === undefined) {
          refused = bearer
          continue
        }
        if (attempt >= attempts || !AGAIN.has(response.status)) {
          throw new TaskportError(response.status, answer.body)
        }
        wait = Number(response.headers.get('retry-after') ?? 0) * 1000
      } catch (error) {
        if (error instanceof TaskportError || attempt >= attempts) throw error
      }
      const backOff = Math.min(pause * 2 ** (attempt - 1), LONGEST) * (0.5 + Math.random() / 2)
      await sleep(Math.max(wait, backOff), signal)
    }
  }
}

const read = async <Body>(response: Response): Promise<Answer<Body>> => {
  const text = await response.text()
  const { status, headers } = response
  const isJson = /json/.test(headers.get('content-type') ?? '')
  return { status, headers, body: (text && isJson ? JSON.parse(text) : undefined) as Body }
}

/** Resolves early when `signal` is aborted. */
export const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(done, milliseconds)
    function done(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done)
  })

/** `crypto.randomUUID` is missing on pages that are not served over TLS. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
