import { type Attributes, encodeAttributes, encodeSpan, type Span } from './span.ts'

export type ExporterOptions = Readonly<{
  /** Without the path; spans go to `/v1/traces` below it. */
  endpoint: string
  headers: Readonly<Record<string, string>>
  resource: Attributes
  /** Milliseconds between two requests, and for one. */
  interval?: number
  timeout?: number
  /** Called with the first error in a row, and with how many spans were lost when it is over. */
  onFailure?: (error: unknown) => void
  onRecovery?: (lost: number) => void
}>

const BATCH_SIZE = 256
const QUEUE_MAX = 4096
const ATTEMPTS = 4
const STOP_MS = 2000

/** OTLP 1.x section "Failures": those that may pass. */
const RETRYABLE = new Set([429, 502, 503, 504])

class Rejected extends Error {}

/** Sends spans over OTLP/HTTP as JSON, in batches; what does not fit into the queue is dropped. */
export const spanExporter = ({
  endpoint,
  headers,
  resource,
  interval = 2000,
  timeout = 10_000,
  onFailure = () => {},
  onRecovery = () => {},
}: ExporterOptions) => {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
  let queue: Span[] = []
  let lost = 0
  let failing = false
  let sending: Promise<void> | undefined
  let stopped = false
  let timer: Timer | undefined

  const post = async (spans: readonly Span[]): Promise<void> => {
    const scope = { scope: { name: 'taskport' }, spans: spans.map(encodeSpan) }
    const body = {
      resourceSpans: [
        { resource: { attributes: encodeAttributes(resource) }, scopeSpans: [scope] },
      ],
    }
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    })
    await response.body?.cancel()
    if (response.ok) return
    const message = `The collector responded with ${response.status}.`
    throw RETRYABLE.has(response.status) ? new Error(message) : new Rejected(message)
  }

  const deliver = async (spans: readonly Span[]): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await post(spans)
        if (failing) onRecovery(lost)
        failing = false
        lost = 0
        return
      } catch (error) {
        if (!failing) onFailure(error)
        failing = true
        if (attempt === ATTEMPTS || stopped || error instanceof Rejected) {
          lost += spans.length
          return
        }
        await Bun.sleep(interval * 2 ** (attempt - 1))
      }
    }
  }

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.slice(0, BATCH_SIZE)
      queue = queue.slice(BATCH_SIZE)
      await deliver(batch)
    }
  }

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    sending ??= drain().finally(() => {
      sending = undefined
    })
    return sending
  }

  return {
    add: (span: Span): void => {
      if (queue.length >= QUEUE_MAX) {
        lost++
        return
      }
      queue.push(span)
      if (queue.length === BATCH_SIZE) void flush()
      timer ??= setTimeout(flush, interval).unref()
    },

    /** Sends what is left, for two seconds at most. */
    stop: async (): Promise<void> => {
      stopped = true
      await Promise.race([flush(), Bun.sleep(STOP_MS)])
    },
  }
}
