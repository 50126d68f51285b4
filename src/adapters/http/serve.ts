import { type Log, serializeError } from '../../application/log.ts'
import { watchDescriptors } from './file-descriptors.ts'
import type { Handler } from './handler.ts'
import { unexpected } from './transport/problem.ts'

export type RunningServer = Readonly<{
  url: string
  /** Stops accepting, gives running requests `grace` milliseconds, then closes all connections. */
  stop(grace?: number): Promise<void>
}>

/** A `worker` shares its port with others. Throws what `listenError` returns. */
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
    throw listenError(error, host, port)
  }
}

/** Says what to do when the port is taken or the host is no address of this machine. */
export const listenError = (
  cause: unknown,
  host: string,
  port: number,
  variable = 'PORT',
): unknown => {
  const message = listenProblem(codeOf(cause), host, port, variable)
  return message === undefined ? cause : new Error(message, { cause })
}

const listenProblem = (
  code: unknown,
  host: string,
  port: number,
  variable: string,
): string | undefined => {
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken. Stop the process that uses it, or set ${variable} to another port.`
  if (code === 'EADDRNOTAVAIL')
    return `${host} is not an address of this machine. Set HOST to one that is, or to 0.0.0.0 for all.`
  return undefined
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined
