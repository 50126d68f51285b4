import type { Trace } from '../../application/trace.ts'

/** As in `opentelemetry.proto.trace.v1.Span.SpanKind`. */
export const KINDS = { server: 2, client: 3 } as const

const STATUS_ERROR = 2

export type Attributes = Readonly<Record<string, string | number>>

/** `trace.parent` is the span's own id, for what it calls; times are in milliseconds since 1970. */
export type Span = Readonly<{
  name: string
  kind: keyof typeof KINDS
  trace: Trace
  parent: string | undefined
  started: number
  ended: number
  attributes: Attributes
  failed: boolean
}>

const hex = (bytes: number): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex')

/** A child of what was received; `ratio` (0 to 1) of those that begin here are sampled. */
export const childOf = (received: Trace | undefined, ratio: number): Trace =>
  received
    ? { ...received, parent: hex(8) }
    : { id: hex(16), parent: hex(8), sampled: Math.random() < ratio, state: null }

/** The JSON of OTLP (opentelemetry-proto, docs/specification.md): ids in hex, 64 bits as text. */
export const encodeSpan = ({
  name,
  kind,
  trace,
  parent,
  started,
  ended,
  attributes,
  failed,
}: Span): object => ({
  traceId: trace.id,
  spanId: trace.parent,
  ...(parent !== undefined && { parentSpanId: parent }),
  ...(trace.state !== null && { traceState: trace.state }),
  name,
  kind: KINDS[kind],
  startTimeUnixNano: nanoseconds(started),
  endTimeUnixNano: nanoseconds(ended),
  attributes: encodeAttributes(attributes),
  ...(failed && { status: { code: STATUS_ERROR } }),
})

export const encodeAttributes = (attributes: Attributes): object[] =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }))

const nanoseconds = (milliseconds: number): string =>
  `${BigInt(Math.round(milliseconds * 1000)) * 1000n}`
