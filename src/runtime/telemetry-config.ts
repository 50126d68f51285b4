import type { ReadVariable } from './config.ts'
import { parseHttpUrl } from './origins.ts'

export type TelemetryConfig = Readonly<{
  /** With a port `/metrics` has one of its own, else it is served like all other paths. */
  metrics?: Readonly<{ port?: number; token?: string }>
  /** Where spans go; `ratio` (0 to 1) of the traces that begin here. */
  spans?: Readonly<{
    endpoint: string
    headers: Readonly<Record<string, string>>
    service: string
    ratio: number
  }>
  logClient: readonly ('address' | 'user-agent')[]
}>

const CLIENT_PARTS = ['address', 'user-agent'] as const

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
  const endpoint = read(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    undefined,
    parseHttpUrl,
    'must be an http or https URL, such as http://localhost:4318.',
  )
  const headers = read(
    'OTEL_EXPORTER_OTLP_HEADERS',
    {},
    parseHeaders,
    'must be headers such as api-key=value, with commas between them.',
  )
  const service = read('OTEL_SERVICE_NAME', 'taskport', (value) => value, '')
  const ratio = read(
    'OTEL_TRACES_SAMPLER_ARG',
    1,
    (value) => (/^(0(\.\d+)?|1(\.0+)?)$/.test(value) ? Number(value) : undefined),
    'must be a number from 0 to 1, the share of traces to keep.',
  )
  read(
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    '',
    (value) => (value === 'http/json' ? value : undefined),
    'must be http/json, the only protocol that is supported.',
  )
  const logClient = read(
    'LOG_CLIENT',
    [],
    (value) => {
      const parts = value.split(',').map((part) => part.trim())
      const known = CLIENT_PARTS.filter((part) => parts.includes(part))
      return known.length === parts.length ? known : undefined
    },
    'must be address, user-agent, or both with a comma between them.',
  )
  return {
    logClient,
    ...(endpoint !== undefined && { spans: { endpoint, headers, service, ratio } }),
    ...((port !== undefined || token !== undefined) && { metrics }),
  }
}

/** As in the W3C Baggage format, without its properties: `name=value`, percent-encoded. */
const parseHeaders = (text: string): Record<string, string> | undefined => {
  const pairs = text.split(',').map((pair) => pair.split('='))
  const named = pairs.every(([name = '']) => /^[\w!#$%&'*+.^`|~-]+$/.test(name.trim()))
  if (!named) return undefined
  return Object.fromEntries(
    pairs.map(([name = '', ...value]) => [
      name.trim().toLowerCase(),
      decodeURIComponent(value.join('=').trim()),
    ]),
  )
}
