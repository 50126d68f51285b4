import type { HandlerOptions } from '../adapters/http/handler.ts'
import { type Metrics, serveMetrics } from '../adapters/http/service/metrics.ts'
import { eventLoopDelay } from '../adapters/metrics/event-loop.ts'
import { type Family, labels, single, textOf } from '../adapters/metrics/families.ts'
import { processFamilies } from '../adapters/metrics/process.ts'
import { requestFigures } from '../adapters/metrics/requests.ts'
import type { App } from '../application/index.ts'
import type { BackgroundJob, WebhookSender } from '../application/ports.ts'
import type { Config } from './config.ts'
import type { Scheduler } from './scheduler.ts'
import type { OpenStorage } from './storage.ts'
import { supervisedMetrics } from './worker-metrics.ts'

/** What is looked at only when the metrics are read. */
export type Sources = Readonly<{
  app: Pick<App, 'measureLag'>
  storage: Pick<OpenStorage, 'poolLoad' | 'jobs'>
  openStreams(): number
  background: Pick<Scheduler<BackgroundJob>, 'status'>
}>

/** Milliseconds for what has to be asked of the storage. */
const LAG_DEADLINE = 500

export const openMetrics = (
  {
    metrics: { port, token } = {},
    host,
    worker,
  }: Pick<Config['telemetry'], 'metrics'> & Pick<Config, 'host' | 'worker'>,
  version: string,
) => {
  const requests = requestFigures()
  const delay = eventLoopDelay()
  const attempts = new Map<string, number>()
  let sources: Sources | undefined
  let server: ReturnType<typeof serveMetrics> | undefined

  const families = async (): Promise<Family[]> => [
    ...requests.families(),
    ...delay.families(),
    ...(sources ? await familiesOf(sources) : []),
    attemptFamily(attempts),
    ...processFamilies(version),
  ]
  const text = worker ? supervisedMetrics(families) : async () => textOf(await families())
  const metrics: Metrics = { ...(token !== undefined && { token }), text }

  return {
    /** For the server of all other paths, unless the metrics have one of their own. */
    served: port === undefined ? metrics : undefined,
    measure: ((method, route, status, milliseconds) =>
      requests.count(method, route || 'none', status, milliseconds)) satisfies NonNullable<
      HandlerOptions['measure']
    >,
    counted:
      (send: WebhookSender): WebhookSender =>
      async (...message) => {
        const attempt = await send(...message)
        const result = attempt.ok ? 'ok' : attempt.error
        attempts.set(result, (attempts.get(result) ?? 0) + 1)
        return attempt
      },
    /** Returns the URL of their own server, if they have one. */
    start: (given: Sources): string | undefined => {
      sources = given
      if (port !== undefined && !worker) server = serveMetrics(metrics, { host, port })
      return server?.url
    },
    stop: async (): Promise<void> => {
      delay.stop()
      await server?.stop()
    },
  }
}

const attemptFamily = (attempts: ReadonlyMap<string, number>): Family => ({
  name: 'taskport_webhook_attempts_total',
  type: 'counter',
  help: 'Attempts to deliver a webhook message, by result.',
  samples: [...attempts].map(([result, value]) => ({ labels: labels({ result }), value })),
})

const familiesOf = async ({
  app,
  storage,
  openStreams,
  background,
}: Sources): Promise<Family[]> => [
  single('gauge', 'taskport_event_streams_open', 'Open event streams.', openStreams()),
  ...(await lagFamilies(app)),
  ...jobFamilies(background, storage.jobs.failingSince() !== null),
  ...(storage.poolLoad ? poolFamilies(storage.poolLoad()) : []),
]

/** Absent while the storage does not respond. */
const lagFamilies = async ({ measureLag }: Sources['app']): Promise<Family[]> => {
  const late = Bun.sleep(LAG_DEADLINE).then(() => undefined)
  const lag = await Promise.race([measureLag().catch(() => undefined), late])
  if (!lag) return []
  const seconds = (name: string, what: string, milliseconds: number): Family =>
    single(
      'gauge',
      `taskport_${name}_lag_seconds`,
      `By how much the ${what} is late.`,
      milliseconds / 1000,
    )
  return [
    seconds('reminder', 'reminder that has been due longest', lag.reminders),
    seconds('webhook', 'webhook that has been due longest', lag.webhooks),
  ]
}

const jobFamilies = ({ status }: Sources['background'], queueFails: boolean): Family[] => {
  const jobs = status()
  const failing = [
    ...jobs.map(({ name, failingSince }) => ({ job: name, fails: failingSince !== null })),
    { job: 'job-queue', fails: queueFails },
  ]
  return [
    {
      name: 'taskport_job_failing',
      type: 'gauge',
      help: '1 if the last run of the background job failed.',
      samples: failing.map(({ job, fails }) => ({ labels: labels({ job }), value: fails ? 1 : 0 })),
    },
    {
      name: 'taskport_job_last_success_timestamp_seconds',
      type: 'gauge',
      help: 'When the background job last succeeded, in seconds since 1970.',
      samples: jobs.flatMap(({ name, lastSuccess }) =>
        lastSuccess === null
          ? []
          : [{ labels: labels({ job: name }), value: Date.parse(lastSuccess) / 1000 }],
      ),
    },
  ]
}

const poolFamilies = ({
  size,
  statements,
  waits,
}: ReturnType<NonNullable<OpenStorage['poolLoad']>>): Family[] => [
  single('gauge', 'taskport_pool_connections', 'Connections to the database at most.', size),
  single(
    'gauge',
    'taskport_pool_waiting',
    'Statements that wait for a connection.',
    Math.max(statements - size, 0),
  ),
  single('counter', 'taskport_pool_waits_total', 'Statements that had to wait for one.', waits),
]
