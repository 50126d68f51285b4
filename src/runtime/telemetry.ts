import type { ApiOptions } from '../adapters/http/api.ts'
import type { HandlerOptions } from '../adapters/http/handler.ts'
import { rememberTraces } from '../adapters/traces/index.ts'
import type { Log } from '../application/log.ts'
import type { Ports } from '../application/ports.ts'
import type { Config } from './config.ts'
import type { Sources } from './metrics.ts'

export type Telemetry = Readonly<{
  handler: Pick<HandlerOptions, 'measure' | 'tracing' | 'logClient'>
  api: Pick<ApiOptions, 'metrics'>
  /** Wraps the ports that are measured and traced. */
  ports<Given extends Pick<Ports, 'send'>>(given: Given): Given & Pick<Ports, 'send' | 'traces'>
  start(sources: Sources): void
  stop(): Promise<void>
}>

/** Loads what is configured and nothing else. */
export const openTelemetry = async (
  config: Config,
  version: string,
  log: Log,
): Promise<Telemetry> => {
  const { telemetry } = config
  const metrics = telemetry.metrics
    ? (await import('./metrics.ts')).openMetrics({ ...config, ...telemetry }, version)
    : undefined
  const spans = telemetry.spans
    ? (await import('./spans.ts')).openSpans(telemetry.spans, version, log)
    : undefined
  const { run, ...traces } = rememberTraces()
  return {
    handler: {
      logClient: telemetry.logClient,
      tracing: { run, ...(spans && { begin: spans.begin, end: spans.end }) },
      ...(metrics && { measure: metrics.measure }),
    },
    api: { metrics: metrics?.served },
    ports: (given) => {
      const traced = spans ? spans.traced(given.send) : given.send
      return { ...given, send: metrics ? metrics.counted(traced) : traced, traces }
    },
    start: (sources) => {
      const url = metrics?.start(sources)
      if (url) log.info({ url }, 'metrics listening')
    },
    stop: async () => {
      await Promise.all([metrics?.stop(), spans?.stop()])
    },
  }
}
