import { gzip } from 'node:zlib'
import { streamed } from './whole.ts'

export type Encoding = 'zstd' | 'gzip'

/** By preference: zstd takes less time and makes less of the same text. */
const ENCODINGS: readonly Encoding[] = ['zstd', 'gzip']

/** What is shorter hardly gets smaller. */
const MIN_LENGTH = 1024

/** A longer text is compressed in another thread: this one takes up to 0.1 ms. */
const SYNC_LENGTH = 65_536

/** What other threads compress at once; further responses are sent as they are. */
const UNDER_WAY_MAX = 8

const LEVEL = 1

/** A text, null for the response's own stream, or bytes that are compressed once and kept. */
type Source = string | null | ((encoding: Encoding) => Promise<Uint8Array>)

const sources = new WeakMap<Response, Source>()

/** Says that a response may be compressed. */
export const compressible = (response: Response, source: Source): Response => {
  if (typeof source !== 'string' || source.length >= MIN_LENGTH) {
    sources.set(response, source)
  }
  return response
}

/** The best encoding that an Accept-Encoding header allows (RFC 9110 section 12.5.3). */
export const acceptedEncoding = (header: string | null): Encoding | undefined => {
  if (header === null || header === 'identity') return undefined
  const weights = new Map(
    header
      .toLowerCase()
      .split(',')
      .map((part) => {
        const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
        const weight = parameters.find((text) => text.startsWith('q='))
        return [name, weight === undefined ? 1 : Number(weight.slice(2))]
      }),
  )
  const weightOf = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0
  const [best] = ENCODINGS.filter((name) => weightOf(name) > 0).sort(
    (a, b) => weightOf(b) - weightOf(a),
  )
  return best
}

let underWay = 0

/** The same response, compressed where that is of use. */
export const compressed = async (response: Response, encoding: Encoding): Promise<Response> => {
  const source = sources.get(response)
  if (source === undefined) return response
  if (source === null) return compressedStream(response, encoding)
  if (typeof source === 'function') return encoded(response, await source(encoding), encoding)
  if (source.length <= SYNC_LENGTH)
    return encoded(response, compressNow(source, encoding), encoding)
  if (underWay >= UNDER_WAY_MAX) return response
  underWay++
  try {
    return encoded(response, await compressLater(encoder.encode(source), encoding), encoding)
  } finally {
    underWay--
  }
}

const encoder = new TextEncoder()

const compressNow = (text: string, encoding: Encoding): Uint8Array =>
  encoding === 'zstd'
    ? Bun.zstdCompressSync(text, { level: LEVEL })
    : Bun.gzipSync(text, { level: LEVEL })

/** In another thread. */
export const compressLater = (
  bytes: Uint8Array,
  encoding: Encoding,
  levels: Readonly<Record<Encoding, number>> = { zstd: LEVEL, gzip: LEVEL },
): Promise<Uint8Array> =>
  encoding === 'zstd'
    ? Bun.zstdCompress(bytes, { level: levels.zstd })
    : new Promise((resolve, reject) => {
        gzip(bytes, { level: levels.gzip }, (error, result) =>
          error ? reject(error) : resolve(result),
        )
      })

const compressedStream = (response: Response, encoding: Encoding): Response => {
  const { body } = response
  if (body === null || underWay >= UNDER_WAY_MAX) return response
  underWay++
  let ended = false
  const end = (): void => {
    if (!ended) underWay--
    ended = true
  }
  const reader = body
    // The types know the formats of the standard only.
    .pipeThrough(new CompressionStream(encoding as 'gzip'))
    .getReader()
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          controller.close()
        } catch (error) {
          controller.error(error)
        }
        end()
      },
      cancel: async (reason) => {
        end()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return encoded(response, stream, encoding)
}

/** A strong tag is of one encoding only (RFC 9110 section 8.8.3.3). */
const encoded = (
  { status, headers }: Response,
  body: Uint8Array | ReadableStream,
  encoding: Encoding,
): Response => {
  const own = new Headers(headers)
  own.set('content-encoding', encoding)
  const etag = own.get('etag')
  if (etag?.startsWith('"')) own.set('etag', `${etag.slice(0, -1)}-${encoding}"`)
  return new Response(body instanceof Uint8Array ? streamed(body) : body, { status, headers: own })
}
