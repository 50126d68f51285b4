import { timingSafeEqual } from 'node:crypto'
import { Elysia } from 'elysia'
import { listenError } from '../serve.ts'
import { problem, unexpected } from '../transport/problem.ts'

export type Metrics = Readonly<{
  /** Required as a bearer token, if there is one. */
  token?: string
  /** In the text format of Prometheus. */
  text(): Promise<string>
}>

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const PATH = '/metrics'

const HIDDEN = { detail: { hide: true } }

export const metricsRoutes = (metrics: Metrics) =>
  new Elysia({ normalize: false }).get(PATH, ({ request }) => respond(request, metrics), HIDDEN)

const respond = async (request: Request, { token, text }: Metrics): Promise<Response> => {
  if (token !== undefined && !hasToken(request, token)) {
    const detail = 'Send METRICS_TOKEN as Authorization: Bearer <token>.'
    return problem('unauthenticated', detail, { headers: { 'www-authenticate': 'Bearer' } })
  }
  return new Response(await text(), { headers: { 'content-type': CONTENT_TYPE } })
}

/** In a time that does not depend on how much of the token is right. */
const hasToken = ({ headers }: Request, token: string): boolean => {
  const digest = (value: string): Uint8Array =>
    new Bun.CryptoHasher('sha256').update(value).digest()
  const [, given = ''] = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '') ?? []
  return timingSafeEqual(digest(given), digest(token))
}

/** Serves the metrics and nothing else. Throws if the port is in use. */
export const serveMetrics = (
  metrics: Metrics,
  { host, port }: Readonly<{ host: string; port: number }>,
): Readonly<{ url: string; stop(): Promise<void> }> => {
  try {
    const server = Bun.serve({
      hostname: host,
      port,
      reusePort: false,
      fetch: (request) =>
        new URL(request.url).pathname === PATH
          ? respond(request, metrics)
          : problem('not-found', `Only ${PATH} is served here.`),
      error: () => unexpected(Bun.randomUUIDv7()),
    })
    return { url: `${server.url.origin}${PATH}`, stop: () => server.stop(true) }
  } catch (error) {
    throw listenError(error, host, port, 'METRICS_PORT')
  }
}
