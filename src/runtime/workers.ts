import { portTaken } from '../adapters/http/serve.ts'
import type { Log } from '../application/log.ts'
import type { Config } from './config.ts'

/** Before a worker that has died is replaced. */
const RESTART_MS = 200

/** A worker without a database listens after this long. */
const DATABASE_WAIT_MS = 5000

/** Replaces workers that die. When one cannot start, all end with code 1; it prints the reason. */
export const supervise = ({ host, port, workers }: Config, log: Log): Promise<never> => {
  const shared = reserve(host, port)
  const running = new Set<Bun.Subprocess>()
  let stopping = false
  let code = 0

  const stop = (): void => {
    stopping = true
    for (const worker of running) worker.kill('SIGTERM')
    if (running.size === 0) process.exit(code)
  }

  const start = (): void => {
    if (stopping) return
    let listening = false
    const worker = Bun.spawn([process.execPath, Bun.main], {
      env: { ...process.env, TASKPORT_WORKER: '1', WORKERS: '1', PORT: String(shared) },
      stdio: ['ignore', 'inherit', 'inherit'],
      ipc: () => {
        listening = true
      },
      onExit: (_, exitCode, signal) => {
        running.delete(worker)
        if (listening && !stopping) {
          log.error({ pid: worker.pid, code: exitCode, signal }, 'worker died')
          setTimeout(start, RESTART_MS)
          return
        }
        if (!stopping) code = 1
        stop()
      },
    })
    running.add(worker)
    log.info({ pid: worker.pid }, 'worker started')
  }

  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  for (let n = 0; n < workers; n++) start()
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
