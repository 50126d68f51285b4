import type { ReadVariable } from './config.ts'

export type TelemetryConfig = Readonly<{
  /** With a port `/metrics` has one of its own, else it is served like all other paths. */
  metrics?: Readonly<{ port?: number; token?: string }>
}>

export const readTelemetry = (read: ReadVariable): TelemetryConfig => {
  const port = read(
    'METRICS_PORT',
    undefined,
    (value) => (/^\d{1,5}$/.test(value) && Number(value) < 65_536 ? Number(value) : undefined),
    'must be a whole number from 0 to 65535.',
  )
  const token = read(
    'METRICS_TOKEN',
    undefined,
    (value) => (/^[\x21-\x7e]{16,}$/.test(value) ? value : undefined),
    'must have at least 16 visible ASCII characters. Make one with: openssl rand -hex 32.',
  )
  const metrics = {
    ...(port !== undefined && { port }),
    ...(token !== undefined && { token }),
  }
  return { ...((port !== undefined || token !== undefined) && { metrics }) }
}
