import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readEvents } from './support/events.ts'
import { temporaryFolder } from './support/folder.ts'
import { freePort } from './support/free-port.ts'
import { freshDatabase } from './support/postgres.ts'
import { checkMetrics, readMetrics } from './support/promtool.ts'
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

const TOKEN = '0123456789abcdef'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const metricsUrl = ({ lines }: RunningProcess): string =>
  String(lines.find(({ msg }) => msg === 'metrics listening')?.['url'])

const scrape = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  expect(await checkMetrics(text)).toBe('')
  return readMetrics(text)
}

test('on a port of its own: what promtool accepts, and the figures of what was done', async () => {
  const folder = temporaryFolder()
  const receiver = await startReceiver()
  const server = await startServer(folder, {
    ...SHARED,
    METRICS_PORT: '0',
    WEBHOOK_ALLOW: 'http,private',
  })
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  const send = (method: string, path: string, body?: object) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: { ...bearer(token), 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  await send('POST', '/api/webhooks', { url: `${receiver.url}/a`, events: ['task.changed'] })
  for (let n = 0; n < 3; n++) await send('POST', '/api/tasks', { title: `${n}` })
  await send('POST', '/api/tasks', { title: '' })
  await send('GET', '/api/tasks/01a1fcf2-b8bb-7545-8f80-01a688f39ac0')
  await send('GET', '/nowhere')
  expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
  const events = await readEvents(`${server.url}/api/events`, bearer(token))
  await receiver.until(
    () => receiver.deliveries.get('/a')?.length === 3,
    () => '3 deliveries',
  )

  const url = metricsUrl(server)
  const delivered = 'taskport_webhook_attempts_total{result="ok"}'
  await eventually(async () => (await scrape(url)).get(delivered) === 3, 'three attempts')
  const figures = await scrape(url)
  const count = (method: string, route: string, status: number) =>
    figures.get(
      `taskport_http_requests_total{method="${method}",route="${route}",status="${status}"}`,
    )
  expect(count('POST', '/api/tasks', 201)).toBe(3)
  expect(count('POST', '/api/tasks', 400)).toBe(1)
  expect(count('GET', '/api/tasks/:id', 404)).toBe(1)
  expect(count('GET', 'none', 404)).toBe(2)
  const latency = 'taskport_http_request_duration_seconds'
  const series = 'method="POST",route="/api/tasks"'
  expect(figures.get(`${latency}_count{${series}}`)).toBe(4)
  expect(figures.get(`${latency}_bucket{${series},le="+Inf"}`)).toBe(4)
  expect(figures.get(`${latency}_sum{${series}}`)).toBeGreaterThan(0)
  expect(figures.get('taskport_event_streams_open')).toBe(1)
  expect(figures.get('taskport_reminder_lag_seconds')).toBe(0)
  expect(figures.get('taskport_webhook_lag_seconds')).toBeLessThan(10)
  expect(figures.get('taskport_job_failing{job="send-reminders"}')).toBe(0)
  expect(figures.get('taskport_job_failing{job="job-queue"}')).toBe(0)
  expect(figures.get('taskport_event_loop_delay_seconds_count')).toBeGreaterThan(0)
  expect(figures.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)

  events.close()
  await eventually(
    async () => (await scrape(url)).get('taskport_event_streams_open') === 0,
    'no stream is open',
  )
  expect((await fetch(new URL('/health', url))).status).toBe(404)
  receiver.close()
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('on the same port: only with the token', async () => {
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: 'memory:',
    METRICS_TOKEN: TOKEN,
  })
  const url = `${server.url}/metrics`
  for (const headers of [{}, bearer('wrong'), bearer(`${TOKEN}0`), { authorization: TOKEN }]) {
    const response = await fetch(url, { headers })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(await response.text()).not.toContain('taskport_')
  }
  const refused = 'taskport_http_requests_total{method="GET",route="/metrics",status="401"}'
  expect((await scrape(url, bearer(TOKEN))).get(refused)).toBe(4)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('off unless configured; a bad value or a port that is taken stops the start', async () => {
  const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
  expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
  const { port } = new URL(server.url)
  const taken = await startServer(temporaryFolder(), {
    DATABASE_URL: 'memory:',
    METRICS_PORT: port,
  })
  expect(await taken.exited).toBe(1)
  expect(taken.stderr()).toContain('set METRICS_PORT to another port')
  const bad = await startServer(temporaryFolder(), {
    METRICS_PORT: '65536',
    METRICS_TOKEN: 'short',
  })
  expect(await bad.exited).toBe(1)
  expect(bad.stderr()).toMatch(/METRICS_PORT must[^\n]*\n[^\n]*METRICS_TOKEN must/)
  server.signal('SIGTERM')
  await server.exited
})

test('of several workers: each has its own series, on either port, and a silent one is down', async () => {
  const port = String(freePort())
  const server = await startServer(temporaryFolder(), {
    ...SHARED,
    DATABASE_URL: await freshDatabase(),
    WORKERS: '2',
    METRICS_PORT: port,
    METRICS_TOKEN: TOKEN,
  })
  const count = (message: string): number =>
    server.lines.filter(({ msg }) => msg === message).length
  await eventually(() => count('listening') === 2, 'both workers listen', 30_000)
  for (let n = 0; n < 40; n++) {
    await fetch(`${server.url}/nowhere`, { headers: { connection: 'close' } })
  }
  const url = metricsUrl(server)
  expect(new URL(url).port).toBe(port)
  expect((await fetch(url)).status).toBe(401)
  const requestsOf = (figures: Map<string, number>): number[] =>
    ['1', '2'].map(
      (worker) =>
        figures.get(
          `taskport_http_requests_total{worker="${worker}",method="GET",route="none",status="404"}`,
        ) ?? 0,
    )
  const figures = await scrape(url, bearer(TOKEN))
  const [first = 0, second = 0] = requestsOf(figures)
  expect(first + second).toBe(40)
  expect(figures.get('taskport_worker_up{worker="1"}')).toBe(1)
  expect(figures.get('taskport_worker_up{worker="2"}')).toBe(1)
  expect(figures.get('taskport_pool_connections{worker="1"}')).toBe(10)

  const [pid = 0] = server.lines
    .filter(({ msg }) => msg === 'worker started')
    .map((l) => Number(l['pid']))
  process.kill(pid, 'SIGSTOP')
  const stopped = await scrape(url, bearer(TOKEN))
  expect(stopped.get('taskport_worker_up{worker="1"}')).toBe(0)
  expect(stopped.get('taskport_worker_up{worker="2"}')).toBe(1)
  process.kill(pid, 'SIGKILL')
  await eventually(() => count('listening') === 3, 'the replacement listens', 30_000)
  const after = await scrape(url, bearer(TOKEN))
  expect(requestsOf(after)).toEqual([0, second])
  expect(after.get('taskport_worker_up{worker="1"}')).toBe(1)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('without a port of their own, any worker returns the figures of all', async () => {
  const server = await startServer(temporaryFolder(), {
    ...SHARED,
    DATABASE_URL: await freshDatabase(),
    WORKERS: '2',
    METRICS_TOKEN: TOKEN,
  })
  await eventually(
    () => server.lines.filter(({ msg }) => msg === 'listening').length === 2,
    'both workers listen',
    30_000,
  )
  const up = async (): Promise<boolean> => {
    const headers = { ...bearer(TOKEN), connection: 'close' }
    const figures = await scrape(`${server.url}/metrics`, headers)
    const workers = ['1', '2'].map((n) => figures.get(`taskport_worker_up{worker="${n}"}`))
    expect(workers).not.toContain(undefined)
    return workers.every((value) => value === 1)
  }
  // A worker that is slow to respond counts as down.
  for (let n = 0; n < 10; n++) await eventually(up, 'the figures of both workers', 30_000)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
