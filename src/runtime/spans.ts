import type { Tracing } from '../adapters/http/transport/observe-request.ts'
import { spanExporter } from '../adapters/otlp/exporter.ts'
import { childOf } from '../adapters/otlp/span.ts'
import { type Log, serializeError } from '../application/log.ts'
import type { WebhookSender } from '../application/ports.ts'
import type { TelemetryConfig } from './telemetry-config.ts'

/** A span for each request and each attempt to deliver a webhook message. */
export const openSpans = (
  { endpoint, headers, service, ratio }: NonNullable<TelemetryConfig['spans']>,
  version: string,
  log: Log,
) => {
  const { add, stop } = spanExporter({
    endpoint,
    headers,
    resource: { 'service.name': service, 'service.version': version, 'process.pid': process.pid },
    onFailure: (error) => log.warn(serializeError(error), 'spans not exported, trying again'),
    onRecovery: (lost) => log.info({ lost }, 'spans exported again'),
  })
  const now = (): number => performance.timeOrigin + performance.now()

  const begin = (received: Parameters<typeof childOf>[0]) => childOf(received, ratio)

  const end: NonNullable<Tracing['end']> = ({ trace, received, milliseconds, ...request }) => {
    if (!trace.sampled) return
    const { method, route, status } = request
    const ended = now()
    add({
      name: route === '' ? method : `${method} ${route}`,
      kind: 'server',
      trace,
      parent: received?.parent,
      started: ended - milliseconds,
      ended,
      attributes: {
        'http.request.method': method,
        ...(route !== '' && { 'http.route': route }),
        'http.response.status_code': status,
      },
      failed: status >= 500,
    })
  }

  const traced =
    (send: WebhookSender): WebhookSender =>
    async (url, message, secrets, received) => {
      const trace = begin(received)
      const started = now()
      const attempt = await send(url, message, secrets, trace)
      if (!trace.sampled) return attempt
      add({
        name: `send ${message.type}`,
        kind: 'client',
        trace,
        parent: received?.parent,
        started,
        ended: now(),
        attributes: {
          'http.request.method': 'POST',
          'taskport.webhook.message_id': message.id,
          ...(!attempt.ok && { 'error.type': attempt.error }),
        },
        failed: !attempt.ok,
      })
      return attempt
    }

  return { begin, end, traced, stop }
}
