import { portTaken } from '../adapters/http/serve.ts'
import { type Log, serializeError } from '../application/log.ts'
import type { Config } from './config.ts'

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
export const supervise = ({ host, port, workers }: Config, log: Log): Promise<never> => {
  const shared = reserve(host, port)
  const running = new Set<Bun.Subprocess>()
  let everListened = false
  let stopping = false
  let code = 0

  const stop = (): void => {
    stopping = true
    for (const worker of running) worker.kill('SIGTERM')
    if (running.size === 0) process.exit(code)
  }

  const fail = (): void => {
    code = 1
    stop()
  }

  const start = (failures: number): void => {
    if (stopping) return
    let listeningSince: number | undefined
    const worker = Bun.spawn([process.execPath, Bun.main], {
      env: { ...process.env, TASKPORT_WORKER: '1', WORKERS: '1', PORT: String(shared) },
      stdio: ['ignore', 'inherit', 'inherit'],
      ipc: () => {
        listeningSince = performance.now()
        everListened = true
      },
      onExit: (_, exitCode, signal) => {
        running.delete(worker)
        if (stopping) return stop()
        if (!everListened) return fail()
        const steady = performance.now() - (listeningSince ?? Infinity) > STEADY_MS
        const count = steady ? 0 : failures
        const pause = Math.min(PAUSE_MS * 2 ** count, LONGEST_PAUSE_MS)
        const message = listeningSince === undefined ? 'worker could not start' : 'worker died'
        log.error({ pid: worker.pid, code: exitCode, signal, next_start_ms: pause }, message)
        setTimeout(start, pause, count + 1)
      },
    })
    running.add(worker)
    log.info({ pid: worker.pid }, 'worker started')
  }

  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('uncaughtException', (error) => {
    log.error(serializeError(error), 'uncaught error, stopping')
    fail()
  })
  for (let n = 0; n < workers; n++) start(0)
  return new Promise(() => {})
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
    throw portTaken(hostname, port, cause)
  }
}
