import { type Log, serializeError } from '../../application/log.ts'
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
  try {
    const server = Bun.serve({
      hostname: host,
      port,
      reusePort: worker ?? false,
      idleTimeout: 30,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, server) => handle(request, () => server.requestIP(request)?.address),
      error: (error) => {
        log.error(serializeError(error), 'response failed')
        return unexpected(Bun.randomUUIDv7())
      },
    })
    const stop = async (grace = 8000): Promise<void> => {
      const { promise: timeout, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, grace)
      await Promise.race([server.stop(), timeout])
      clearTimeout(timer)
      await server.stop(true)
    }
    return { url: server.url.origin, stop }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw portTaken(host, port, error)
  }
}

export const portTaken = (host: string, port: number, cause: unknown): Error =>
  new Error(
    `Port ${port} on ${host} is taken. Stop the process that uses it, or set PORT to another port.`,
    {
      cause,
    },
  )
