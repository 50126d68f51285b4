import { expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { eventLoopDelay } from '../../src/adapters/metrics/event-loop.ts'
import { textOf } from '../../src/adapters/metrics/families.ts'
import { requestFigures } from '../../src/adapters/metrics/requests.ts'
import { openMetrics } from '../../src/runtime/metrics.ts'
import { scheduler } from '../../src/runtime/scheduler.ts'
import { appOf, idleQueue } from '../support/app.ts'
import { openPostgres } from '../support/open-postgres.ts'
import { freshDatabase } from '../support/postgres.ts'
import { checkMetrics, readMetrics } from '../support/promtool.ts'
import { countingIds, LATER, NOON, put } from '../support/tasks.ts'
import { eventually } from '../support/wait.ts'
import { webhookOf } from '../support/webhooks.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

test('a reminder and a webhook that are late, and a job that fails', async () => {
  const storage = memoryStorage()
  const app = appOf({ ...storage, now: () => LATER, newId: countingIds() })
  await put(storage.tasks, 'alice', { title: 'a', remind_at: '2026-02-11T11:59:30.000Z' })
  await put(storage.tasks, 'alice', { title: 'b', remind_at: '2026-02-12T12:00:00.000Z' })
  await storage.webhooks.create(webhookOf('alice', { due_at: NOON }), 10)
  const background = scheduler(
    [
      { name: 'purge-expired', every: 1000, run: async () => undefined },
      {
        name: 'send-reminders',
        every: 1000,
        run: async () => {
          throw new Error('planted')
        },
      },
    ],
    silent,
  )
  background.start()
  await eventually(
    () => background.status().every(({ lastSuccess, failingSince }) => lastSuccess ?? failingSince),
    'both jobs have run',
  )
  const metrics = openMetrics({ metrics: { token: '' }, host: '', worker: false }, '1')
  metrics.start({
    app,
    background,
    openStreams: () => 0,
    storage: { jobs: { ...idleQueue, failingSince: () => NOON } },
  })
  const text = (await metrics.served?.text()) ?? ''
  expect(await checkMetrics(text)).toBe('')
  const figures = readMetrics(text)
  expect(figures.get('taskport_reminder_lag_seconds')).toBe(30)
  expect(figures.get('taskport_webhook_lag_seconds')).toBe(86_400)
  expect(figures.get('taskport_job_failing{job="purge-expired"}')).toBe(0)
  expect(figures.get('taskport_job_failing{job="send-reminders"}')).toBe(1)
  expect(figures.get('taskport_job_failing{job="job-queue"}')).toBe(1)
  await background.stop()
  await metrics.stop()
})

test('nothing is late when nothing is due', async () => {
  const storage = memoryStorage()
  const app = appOf({ ...storage, now: () => NOON, newId: countingIds() })
  expect(await app.measureLag()).toEqual({ reminders: 0, webhooks: 0 })
  await put(storage.tasks, 'alice', { title: 'b', remind_at: LATER })
  await storage.webhooks.create(webhookOf('alice', { due_at: LATER }), 10)
  expect(await app.measureLag()).toEqual({ reminders: 0, webhooks: 0 })
})

test('statements that wait for a connection are counted', async () => {
  const storage = await openPostgres(await freshDatabase(), { poolSize: 2 })
  const { waits } = storage.poolLoad()
  const reads = Array.from({ length: 6 }, (_, n) => storage.tasks.versions([`user-${n}`]))
  expect(storage.poolLoad()).toMatchObject({ size: 2, statements: 6 })
  await Promise.all(reads)
  expect(storage.poolLoad()).toEqual({ size: 2, statements: 0, waits: waits + 4 })
  await storage.close()
})

test('an event loop that is held up shows', async () => {
  const delay = eventLoopDelay()
  const most = (): number =>
    readMetrics(textOf(delay.families())).get('taskport_event_loop_delay_seconds_sum') ?? 0
  Bun.sleepSync(400)
  await eventually(
    () => most() > 0.3,
    () => `more than 0.3 s, not ${most()}`,
  )
  delay.stop()
})

test('odd methods share a series, labels are escaped, and buckets are cumulative', async () => {
  const requests = requestFigures()
  for (const method of ['BREW', 'PROPFIND']) requests.count(method, 'a"b\\c\nd', 200, 3)
  requests.count('GET', '/x', 200, 1)
  requests.count('GET', '/x', 200, 4000)
  const text = textOf(requests.families())
  expect(await checkMetrics(text)).toBe('')
  const figures = readMetrics(text)
  const odd = 'method="other",route="a\\"b\\\\c\\nd"'
  expect(figures.get(`taskport_http_requests_total{${odd},status="200"}`)).toBe(2)
  const bucket = (le: string) =>
    figures.get(`taskport_http_request_duration_seconds_bucket{method="GET",route="/x",le="${le}"}`)
  expect(['0.001', '2.5', '5', '+Inf'].map(bucket)).toEqual([1, 1, 2, 2])
})
