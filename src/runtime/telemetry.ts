import type { ApiOptions } from '../adapters/http/api.ts'
import type { HandlerOptions } from '../adapters/http/handler.ts'
import type { Log } from '../application/log.ts'
import type { Ports } from '../application/ports.ts'
import type { Config } from './config.ts'
import type { Sources } from './metrics.ts'

export type Telemetry = Readonly<{
  handler: Pick<HandlerOptions, 'measure'>
  api: Pick<ApiOptions, 'metrics'>
  /** Wraps what is to be measured. */
  ports<Given extends Pick<Ports, 'send'>>(given: Given): Given
  start(sources: Sources): void
  stop(): Promise<void>
}>

/** Loads what is configured and nothing else. */
export const openTelemetry = async (
  config: Config,
  version: string,
  log: Log,
): Promise<Telemetry> => {
  const metrics = config.telemetry.metrics
    ? (await import('./metrics.ts')).openMetrics({ ...config, ...config.telemetry }, version)
    : undefined
  return {
    handler: { ...(metrics && { measure: metrics.measure }) },
    api: { metrics: metrics?.served },
    ports: (given) => (metrics ? { ...given, send: metrics.counted(given.send) } : given),
    start: (sources) => {
      const url = metrics?.start(sources)
      if (url) log.info({ url }, 'metrics listening')
    },
    stop: async () => metrics?.stop(),
  }
}
