import type { Exchange } from './exchange.ts'

/** One structured line at a time; fields never hold a token, a secret or what users write. */
export type Log = Readonly<{
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}>

/** Writes the line of a request that has been answered. */
export const record = (log: Log, request: Request, exchange: Exchange, status: number): void => {
  const fields = {
    request_id: exchange.id,
    method: request.method,
    route: exchange.route ?? null,
    status,
    ms: Math.round((performance.now() - exchange.started) * 100) / 100,
    ...(exchange.user !== undefined && { user: exchange.user }),
  }
  if (status < 500) log.info(fields, 'request')
  else log.error({ ...fields, ...describe(exchange.error) }, 'request failed')
}

/** Enough to find a fault by, without the values that drivers put into messages. */
export const describe = (error: unknown): object => {
  if (!(error instanceof Error)) return {}
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    error: {
      name: error.name,
      message: error.message.replace(/"[^"]*"|'[^']*'/g, '"…"'),
      ...('code' in error && { code: String(error.code) }),
      frames: frames.slice(0, 10).map((line) => line.trim()),
      ...(error.cause !== undefined && { cause: describe(error.cause) }),
    },
  }
}
