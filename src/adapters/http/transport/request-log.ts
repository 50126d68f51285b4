import { type Log, serializeError } from '../../../application/log.ts'
import type { RequestContext } from './request-context.ts'

const isProbe = ({ route }: RequestContext): boolean =>
  route === '/health' || route === '/health/ready'

export const logRequest = (
  log: Log,
  request: Request,
  context: RequestContext,
  status: number,
  milliseconds: number,
): void => {
  const fields = {
    request_id: context.id,
    method: request.method,
    route: context.route ?? null,
    status,
    ms: Math.round(milliseconds * 100) / 100,
    ...(context.user !== undefined && { user: context.user }),
    ...context.client,
    ...(context.trace && { trace_id: context.trace.id }),
  }
  if (status < 500) log[isProbe(context) ? 'debug' : 'info'](fields, 'request')
  else log.error({ ...fields, ...serializeError(context.error) }, 'request failed')
}
