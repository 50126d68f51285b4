import { type Log, serializeError } from '../../application/log.ts'
import { watchDescriptors } from './file-descriptors.ts'
import type { Handler } from './handler.ts'
import { unexpected } from './transport/problem.ts'

export type RunningServer = Readonly<{
  url: string
  /** Stops accepting, gives running requests `grace` milliseconds, then closes all connections. */
  stop(grace?: number): Promise<void>
}>

/** A `worker` shares its port with others. Throws `portTaken` if the port is in use. */
export const serve = (
  handle: Handler,
  { host, port, worker, log }: { host: string; port: number; worker?: boolean; log: Log },
): RunningServer => {
  const listen = (at: number) =>
    Bun.serve({
      hostname: host,
      port: at,
      reusePort: worker ?? false,
      idleTimeout: 30,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, server) => handle(request, () => server.requestIP(request)?.address),
      error: (error) => {
        log.error(serializeError(error), 'response failed')
        return unexpected(Bun.randomUUIDv7())
      },
    })
  try {
    let server = listen(port)
    const { url } = server
    const running = new Set([server])
    const pause = (): void => {
      log.error({}, 'out of file descriptors, accepting no connections')
      const paused = server
      void paused.stop().then(() => running.delete(paused))
    }
    const resume = (): void => {
      server = listen(Number(url.port))
      running.add(server)
      log.info({}, 'accepting connections again')
    }
    const unwatch = watchDescriptors(pause, resume)
    const stop = async (grace = 8000): Promise<void> => {
      unwatch()
      const { promise: timeout, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, grace)
      await Promise.race([Promise.all([...running].map((each) => each.stop())), timeout])
      clearTimeout(timer)
      await Promise.all([...running].map((each) => each.stop(true)))
    }
    return { url: url.origin, stop }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw portTaken(host, port, error)
  }
}

export const portTaken = (host: string, port: number, cause: unknown, variable = 'PORT'): Error =>
  new Error(
    `Port ${port} on ${host} is taken. Stop the process that uses it, or set ${variable} to another port.`,
    {
      cause,
    },
  )
