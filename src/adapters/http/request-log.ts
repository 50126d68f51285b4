import { type Log, serializeError } from '../../application/log.ts'
import type { Exchange } from './exchange.ts'

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
  else log.error({ ...fields, ...serializeError(exchange.error) }, 'request failed')
}
