import { listenError } from '../adapters/http/serve.ts'
import { type Log, serializeError } from '../application/log.ts'
import type { Config } from './config.ts'
import { thisProgram } from './this-program.ts'

/** Before a worker that has died is replaced; it doubles while its replacements die. */
const PAUSE_MS = 200
const LONGEST_PAUSE_MS = 30_000

/** A worker that has listened for so long counts as healthy. */
const STEADY_MS = 30_000

/** A worker without a database listens after this long. */
const DATABASE_WAIT_MS = 5000

/**
 * Replaces workers that die. When one ends before any has listened, all end with code 1: none can
 * start. Workers print the reason.
 */
export const supervise = async (
  { host, port, workers, telemetry }: Config,
  log: Log,
): Promise<never> => {
  const shared = reserve(host, port)
  const running = new Map<string, Bun.Subprocess>()
  const metrics =
    telemetry.metrics && (await openMetrics(telemetry.metrics, host, workers, running))
  if (metrics?.url) log.info({ url: metrics.url }, 'metrics listening')
  let everListened = false
  let stopping = false
  let code = 0

  const stop = (): void => {
    stopping = true
    for (const worker of running.values()) worker.kill('SIGTERM')
    if (running.size === 0) process.exit(code)
  }

  const fail = (): void => {
    code = 1
    stop()
  }

  const start = (place: string, failures: number): void => {
    if (stopping) return
    let listeningSince: number | undefined
    const worker = Bun.spawn(thisProgram('serve'), {
      env: { ...process.env, TASKPORT_WORKER: place, WORKERS: '1', PORT: String(shared) },
      stdio: ['ignore', 'inherit', 'inherit'],
      ipc: (message) => {
        if (message !== 'listening') void metrics?.receive(worker, message)
        else {
          listeningSince = performance.now()
          everListened = true
        }
      },
      onExit: (_, exitCode, signal) => {
        running.delete(place)
        if (stopping) return stop()
        if (!everListened) return fail()
        const steady = performance.now() - (listeningSince ?? Infinity) > STEADY_MS
        const count = steady ? 0 : failures
        const pause = Math.min(PAUSE_MS * 2 ** count, LONGEST_PAUSE_MS)
        const message = listeningSince === undefined ? 'worker could not start' : 'worker died'
        log.error({ pid: worker.pid, code: exitCode, signal, next_start_ms: pause }, message)
        setTimeout(start, pause, place, count + 1)
      },
    })
    running.set(place, worker)
    log.info({ pid: worker.pid }, 'worker started')
  }

  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('uncaughtException', (error) => {
    log.error(serializeError(error), 'uncaught error, stopping')
    fail()
  })
  for (let n = 1; n <= workers; n++) start(String(n), 0)
  return new Promise(() => {})
}

/** Throws if the port is in use. */
const openMetrics = async (
  { port, token }: NonNullable<Config['telemetry']['metrics']>,
  host: string,
  workers: number,
  running: ReadonlyMap<string, Bun.Subprocess>,
) => {
  const { workerMetrics } = await import('./worker-metrics.ts')
  const metrics = workerMetrics(workers, running)
  if (port === undefined) return { ...metrics, url: undefined }
  const { serveMetrics } = await import('../adapters/http/service/metrics.ts')
  const served = { ...(token !== undefined && { token }), text: metrics.text }
  return { ...metrics, url: serveMetrics(served, { host, port }).url }
}

/** Until then the requests go to the other workers. */
export const readyInTime = (reached: Promise<void>): Promise<void> =>
  Promise.race([reached, Bun.sleep(DATABASE_WAIT_MS)])

/** Checks that the port is free, or chooses one, before the workers share it. */
const reserve = (hostname: string, port: number): number => {
  try {
    const listener = Bun.listen({ hostname, port, exclusive: true, socket: { data: () => {} } })
    listener.stop(true)
    return listener.port
  } catch (cause) {
    throw listenError(cause, hostname, port)
  }
}
