import { type Log, serializeError } from '../../../application/log.ts'
import type { RequestContext } from './request-context.ts'

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
  }
  if (status < 500) log.info(fields, 'request')
  else log.error({ ...fields, ...serializeError(context.error) }, 'request failed')
}
