import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { startCollector } from './support/collector.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { startReceiver } from './support/receiver.ts'
import {
  killServers,
  type RunningProcess,
  SHARED,
  startServer,
  tokenFor,
} from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

afterAll(killServers)

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const OTHER = '0af7651916cd43dd8448eb211c80319c'
const PARENT = '00f067aa0ba902b7'

const ENV = { ...SHARED, WEBHOOK_ALLOW: 'http,private' }

const { token } = await tokenFor(temporaryFolder(), ['--sub', 'alice'])

const send = async (
  { url }: Pick<RunningProcess, 'url'>,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })

const openWebhook = async (server: RunningProcess, ...events: string[]) => {
  const receiver = await startReceiver()
  await send(server, 'POST', '/api/webhooks', { url: `${receiver.url}/a`, events })
  const deliveries = () => receiver.deliveries.get('/a') ?? []
  return {
    ...receiver,
    received: async (count: number) => {
      await receiver.until(
        () => deliveries().length >= count,
        () => `${count} deliveries, not ${deliveries().length}`,
      )
      return deliveries()
    },
  }
}

const stop = async (server: RunningProcess): Promise<void> => {
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
}

test('a trace is logged, and passed on with what the request changed', async () => {
  const server = await startServer(temporaryFolder(), ENV)
  const hook = await openWebhook(server, 'task.changed', 'task.deleted', 'task.reminder')
  const traceparent = `00-${TRACE}-${PARENT}-01`
  const traced = { traceparent, tracestate: 'vendor=a,other=b' }
  const { id } = await json(send(server, 'POST', '/api/tasks', { title: 'a' }, traced))
  await hook.received(1)
  await send(server, 'DELETE', `/api/tasks/${id}`, undefined, {
    traceparent: `00-${OTHER}-${PARENT}-00`,
  })
  await hook.received(2)
  await send(server, 'POST', '/api/tasks', { title: 'b' })
  const [created, deleted, untraced] = await hook.received(3)
  expect(created?.headers).toMatchObject(traced)
  expect(deleted?.headers['traceparent']).toBe(`00-${OTHER}-${PARENT}-00`)
  expect(deleted?.headers).not.toHaveProperty('tracestate')
  expect(untraced?.headers).not.toHaveProperty('traceparent')

  const soon = new Date(Date.now() + 300).toISOString()
  await send(server, 'POST', '/api/tasks', { title: 'c', remind_at: soon }, traced)
  const last = (await hook.received(6)).slice(3)
  expect(last.map(({ body }) => JSON.parse(body).type)).toEqual([
    'task.changed',
    'task.changed',
    'task.reminder',
  ])
  expect(last.map(({ headers }) => headers['traceparent'] ?? null)).toEqual([
    traceparent,
    null,
    null,
  ])

  const logged = () => server.lines.filter(({ msg }) => msg === 'request')
  await eventually(() => logged().length === 5, 'five requests in the log')
  expect(logged().map(({ trace_id }) => trace_id)).toEqual([
    undefined,
    TRACE,
    OTHER,
    undefined,
    TRACE,
  ])
  hook.close()
  await stop(server)
})

test('what is no traceparent is ignored; a version to come is read as far as it is known', async () => {
  const server = await startServer(temporaryFolder(), { ...ENV, DATABASE_URL: 'memory:' })
  const ignored = [
    '',
    'x',
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}-01, 00-${OTHER}-${PARENT}-01`,
  ]
  for (const traceparent of [...ignored, `01-${TRACE}-${PARENT}-01-more`]) {
    expect((await send(server, 'GET', '/', undefined, { traceparent })).status).toBe(200)
  }
  const lines = () => server.lines.filter(({ msg }) => msg === 'request')
  await eventually(() => lines().length === ignored.length + 1, 'all requests in the log')
  expect(lines().map(({ trace_id }) => trace_id ?? null)).toEqual([
    ...ignored.map(() => null),
    TRACE,
  ])
  await stop(server)
})

test('spans of requests and webhook messages are exported, in the trace they belong to', async () => {
  const collector = await startCollector()
  const server = await startServer(temporaryFolder(), {
    ...ENV,
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20secret',
    OTEL_SERVICE_NAME: 'tasks of tests',
  })
  const hook = await openWebhook(server, 'task.changed')
  const traceparent = `00-${TRACE}-${PARENT}-01`
  const began = Date.now()
  await send(server, 'POST', '/api/tasks', { title: 'a' }, { traceparent })
  const [delivery] = await hook.received(1)
  const request = await collector.span('POST /api/tasks', TRACE)
  const message = await collector.span('send task.changed', TRACE)
  expect([request.parentSpanId, request.kind]).toEqual([PARENT, 2])
  expect([message.parentSpanId, message.kind]).toEqual([request.spanId, 3])
  expect(delivery?.headers['traceparent']).toBe(`00-${TRACE}-${message.spanId}-01`)
  const [start, end] = [request.startTimeUnixNano, request.endTimeUnixNano].map((nanoseconds) =>
    Number(BigInt(nanoseconds) / 1_000_000n),
  )
  expect(Math.abs((start ?? 0) - began)).toBeLessThan(5000)
  expect(end).toBeGreaterThanOrEqual(start ?? Number.POSITIVE_INFINITY)
  expect(request.attributes).toEqual([
    { key: 'http.request.method', value: { stringValue: 'POST' } },
    { key: 'http.route', value: { stringValue: '/api/tasks' } },
    { key: 'http.response.status_code', value: { intValue: '201' } },
  ])

  await send(server, 'GET', '/api/tasks', undefined, { traceparent: `00-${OTHER}-${PARENT}-00` })
  await send(server, 'GET', '/nowhere')
  const own = await collector.span('GET')
  expect(own).not.toHaveProperty('parentSpanId')
  expect(own.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
  expect(collector.spans.filter(({ traceId }) => traceId === OTHER)).toEqual([])
  const [first] = collector.requests
  expect(first?.path).toBe('/v1/traces')
  expect(first?.headers).toMatchObject({
    'api-key': 'a secret',
    'content-type': 'application/json',
  })
  expect(first?.body.resourceSpans[0]?.resource.attributes).toContainEqual({
    key: 'service.name',
    value: { stringValue: 'tasks of tests' },
  })
  hook.close()
  await stop(server)
  collector.close()
})

test('a collector that fails is tried again; the last spans are sent at the end', async () => {
  const collector = await startCollector([503, 429])
  const server = await startServer(temporaryFolder(), {
    ...ENV,
    DATABASE_URL: 'memory:',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  })
  await send(server, 'GET', '/api/tasks')
  const { attributes } = await collector.span('GET /api/tasks')
  expect(attributes).toHaveLength(3)
  const logged = (message: string) => server.lines.filter(({ msg }) => msg === message)
  await eventually(() => logged('spans exported again').length === 1, 'the export works again')
  expect(logged('spans exported again')).toMatchObject([{ lost: 0 }])
  expect(logged('spans not exported, trying again')).toHaveLength(1)
  expect(collector.requests).toHaveLength(3)
  await send(server, 'GET', '/api/changes')
  await stop(server)
  expect(collector.spans.map(({ name }) => name)).toEqual(['GET /api/tasks', 'GET /api/changes'])
  collector.close()
})

test('with a ratio of 0 only traces that come sampled are exported', async () => {
  const collector = await startCollector()
  const server = await startServer(temporaryFolder(), {
    ...ENV,
    DATABASE_URL: 'memory:',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER_ARG: '0',
  })
  await send(server, 'GET', '/api/changes')
  await send(server, 'GET', '/api/tasks', undefined, { traceparent: `00-${TRACE}-${PARENT}-01` })
  await stop(server)
  expect(collector.spans.map(({ name }) => name)).toEqual(['GET /api/tasks'])
  collector.close()
})
