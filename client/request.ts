import { TaskportError } from './error.ts'
import { backOff, type Deadline, sleep, startDeadline } from './time.ts'
import type { Connection, RequestOptions } from './types.ts'

type Call<Body> = RequestOptions &
  Readonly<{
    headers?: Record<string, string>
    body?: unknown
    /** Takes the deadline of the attempt over once the response has begun. */
    read?: (response: Response, deadline: Deadline) => Promise<Body>
  }>

export type Received<Body> = Readonly<{ headers: Headers; body: Body }>

export type Request = ReturnType<typeof requester>

const PASSING = new Set([429, 502, 503, 504])

export const requester = (connection: Connection) => {
  const { url, token, attempts = 6, pause = 200, timeout = 15_000 } = connection
  const send = connection.fetch ?? ((address, init) => fetch(address, init))

  const authorize = async (signal?: AbortSignal, refused?: string): Promise<string> => {
    const deadline = startDeadline(timeout, signal)
    try {
      const bearer = await deadline.race(Promise.resolve(token(refused)))
      if (bearer) return bearer
    } finally {
      deadline.clear()
    }
    throw new TaskportError(401, {
      type: 'urn:taskport:problem:unauthenticated',
      detail: 'There is no token to send. Sign in.',
    })
  }

  return async <Body>(
    method: string,
    path: string,
    { signal, idempotencyKey, headers = {}, body, read = readJson }: Call<Body> = {},
  ): Promise<Received<Body>> => {
    const fixed = {
      ...headers,
      ...(method !== 'GET' && { 'idempotency-key': idempotencyKey ?? newKey() }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const attempt = async (bearer: string): Promise<Received<Body>> => {
      const deadline = startDeadline(timeout, signal)
      try {
        const sent = send(`${url}${path}`, {
          method,
          headers: { ...fixed, authorization: `Bearer ${bearer}` },
          signal: deadline.signal,
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        const response = await deadline.race(sent)
        if (response.ok) return { headers: response.headers, body: await read(response, deadline) }
        const problem = await readJson(response, deadline).catch(() => undefined)
        throw new TaskportError(response.status, problem, response.headers)
      } catch (error) {
        deadline.clear()
        throw error
      }
    }

    signal?.throwIfAborted()
    let bearer = await authorize(signal)
    let renewed = false
    for (let failures = 1; ; failures++) {
      const result = await attempt(bearer).catch((error: unknown) => ({ error }))
      if (!('error' in result)) return result
      signal?.throwIfAborted()
      const { error } = result
      const refusal = error instanceof TaskportError ? error : undefined
      if (refusal?.status === 401 && !renewed) {
        bearer = await authorize(signal, bearer)
        renewed = true
        continue
      }
      if (failures >= attempts || (refusal && !PASSING.has(refusal.status))) throw error
      await sleep(backOff(pause, failures) + (refusal?.retryAfter ?? 0), signal)
      signal?.throwIfAborted()
    }
  }
}

const readJson = async <Body>(response: Response, deadline: Deadline): Promise<Body> => {
  const text = await deadline.race(response.text())
  deadline.clear()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return (text && isJson ? JSON.parse(text) : undefined) as Body
}

export const queryOf = (
  parameters: Readonly<Record<string, string | number | undefined>>,
): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, `${value}`)
  }
  return `?${query}`
}

/** `crypto.randomUUID` is missing on pages that are not served over TLS. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
