import type { Accounts } from '../../src/adapters/http/accounts/routes.ts'
import { type ApiOptions, api } from '../../src/adapters/http/api.ts'
import { type HandlerOptions, handler } from '../../src/adapters/http/handler.ts'
import { unlimited } from '../../src/adapters/limits/token-buckets.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type {
  Budgets,
  Ports,
  TaskStore,
  TokenStore,
  TokenVerifier,
  WebhookStore,
} from '../../src/application/ports.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { appOf } from './app.ts'

/** The token is the percent-encoded user; `expired`, `bad` and `keyless` are rejected as such. */
export const plainTokens: TokenVerifier = (token) => {
  if (token === 'expired') throw new DomainError('unauthenticated', 'The token has expired.')
  if (token === 'bad') throw new DomainError('unauthenticated', 'The token is not valid here.')
  if (token === 'keyless') throw new DomainError('unavailable', 'No key is known.')
  return { user_id: decodeURIComponent(token), expires_at: Number.POSITIVE_INFINITY }
}

export type LogLine = Record<string, unknown> & { message: string }

export type Call = Readonly<{
  as?: string | null
  body?: unknown
  raw?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
  headers?: Record<string, string>
}>

/** The real app over a storage, without a socket. */
export const openHttp = (
  tasks: TaskStore,
  {
    verify = plainTokens,
    accounts,
    taskQuota = 10_000,
    storageQuota = 20,
    budgets = unlimited,
    streams = {},
    webhooks = memoryStorage().webhooks,
    tokens = memoryStorage().tokens,
    now = () => new Date().toISOString(),
    wake = () => {},
    failingJobs = () => [],
    ...options
  }: Partial<HandlerOptions> & {
    verify?: TokenVerifier
    taskQuota?: number
    storageQuota?: number
    budgets?: Budgets
    accounts?: Accounts
    streams?: ApiOptions['streams'] & object
    webhooks?: WebhookStore
    tokens?: TokenStore
    now?: Ports['now']
    wake?: Ports['wake']
    failingJobs?: Ports['failingJobs']
  } = {},
) => {
  const lines: LogLine[] = []
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, ...fields, message })
  }
  const log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  const app = appOf(
    {
      tasks,
      webhooks,
      tokens,
      failingJobs,
      budgets,
      now,
      wake,
      newId: (at) => Bun.randomUUIDv7('hex', Date.parse(at)),
    },
    { taskQuota, storageQuota },
  )
  const routes = api(app, verify, { version: '0.0.0', streams, ...(accounts && { accounts }) })
  const handle = handler(routes, { log, ...options })

  /** Authenticated as alice by default; `body` is sent as JSON, `raw` unchanged. */
  const call = (method: string, path: string, { as = 'alice', body, raw, headers }: Call = {}) =>
    handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          ...(as !== null && { authorization: `Bearer ${encodeURIComponent(as)}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(raw !== undefined && { body: raw }),
      }),
    )

  return {
    app,
    routes: routes.routes.routes,
    endStreams: routes.endStreams,
    streams: routes.openStreams,
    handle,
    call,
    lines,
    log,
  }
}

export type Http = ReturnType<typeof openHttp>

/** A JSON body, loosely typed: the tests check its shape. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests check
export const json = async (response: Response | Promise<Response>): Promise<any> =>
  (await response).json()
