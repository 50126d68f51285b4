import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually, within } from './wait.ts'

export type ReceivedSpan = Readonly<{
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Record<string, string> }[]
  status?: { code: number }
}>

type Export = {
  resourceSpans: {
    resource: { attributes: ReceivedSpan['attributes'] }
    scopeSpans: { spans: ReceivedSpan[] }[]
  }[]
}

/** An OTLP/HTTP collector, whose first responses have these statuses. */
export const startCollector = async (statuses: number[] = []) => {
  const requests: { path: string; headers: Record<string, string>; body: Export }[] = []
  const accepted: ReceivedSpan[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const parsed = JSON.parse(body) as Export
      const headers = request.headers as Record<string, string>
      requests.push({ path: request.url ?? '', headers, body: parsed })
      const status = statuses.shift() ?? 200
      if (status === 200) {
        accepted.push(
          ...parsed.resourceSpans.flatMap(({ scopeSpans }) =>
            scopeSpans.flatMap(({ spans }) => spans),
          ),
        )
      }
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await within(once(server, 'listening'), 'The collector should listen.')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans: accepted,
    span: (name: string, trace?: string): Promise<ReceivedSpan> =>
      eventually(
        () =>
          accepted.find(
            (span) => span.name === name && (trace === undefined || span.traceId === trace),
          ) as ReceivedSpan,
        () => `a span ${name}, among ${accepted.map((span) => span.name)}`,
      ),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
