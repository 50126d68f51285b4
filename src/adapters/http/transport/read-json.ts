import { DomainError } from '../../../domain/errors.ts'
import { TransportError } from './problem.ts'
import { contextOf } from './request-context.ts'
import { scanJson } from './scan-json.ts'

const MAX_BYTES = 64 * 1024

/** Milliseconds for the whole body, however steadily it comes. */
const BODY_DEADLINE = 8000

export const JSON_TYPE = ['application/json'] as const
/** A merge patch (RFC 7396) may be sent as plain JSON, too. */
export const PATCH_TYPES = ['application/json', 'application/merge-patch+json'] as const

/** Undefined if empty. At most 64 KiB of UTF-8, not nested deeply, without duplicate members. */
export const readJson = async (request: Request, types: readonly string[]): Promise<unknown> => {
  const bytes = await readBody(request)
  if (bytes.byteLength === 0) return undefined
  requireType(request.headers, types)
  const text = decode(bytes)
  scanJson(text)
  try {
    return JSON.parse(text)
  } catch {
    throw new DomainError('invalid', 'The body is not valid JSON. Correct its syntax.')
  }
}

/** At most `most` bytes, within 8 seconds. */
export const readBody = async (request: Request, most = MAX_BYTES): Promise<Uint8Array> => {
  const bytes = await inTime(readBytes(request, most))
  contextOf(request).body = bytes
  return bytes
}

const readBytes = async (request: Request, most: number): Promise<Uint8Array> => {
  const declared = request.headers.get('content-length')
  if (declared !== null && Number(declared) > most) throw tooLarge(most)
  if (declared !== null || request.body === null) return request.bytes()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > most) throw tooLarge(most)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const inTime = async (body: Promise<Uint8Array>): Promise<Uint8Array> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(tooSlow()), BODY_DEADLINE)
  const whole = body.catch((error) => {
    throw isAbort(error) ? tooSlow() : error
  })
  return Promise.race([whole, late]).finally(() => clearTimeout(timer))
}

/** The client has left, so no one reads the response. */
const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

const tooSlow = (): TransportError =>
  new TransportError('request-timeout', 'The body did not arrive in time. Send it again.')

const tooLarge = (most: number): TransportError =>
  new TransportError('payload-too-large', `The body must not be larger than ${most} bytes.`)

const requireType = (headers: Headers, types: readonly string[]): void => {
  const [type, ...parameters] = (headers.get('content-type') ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const utf8 = parameters.every(
    (part) => !part.startsWith('charset=') || /^charset="?utf-8"?$/.test(part),
  )
  const plain = (headers.get('content-encoding') ?? 'identity') === 'identity'
  if (type && types.includes(type) && utf8 && plain) return
  throw new TransportError(
    'unsupported-media-type',
    `Send the body as uncompressed UTF-8 JSON with the header Content-Type: ${types.join(' or ')}.`,
  )
}

const decode = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new DomainError('invalid', 'The body is not valid UTF-8.')
  }
}
