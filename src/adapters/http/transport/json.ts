import type { Json } from '../../../application/json.ts'
import { compressible } from './compress.ts'
import { streamed } from './whole.ts'

type Headers = Readonly<Record<string, string>>

/** A JSON response (RFC 8259, which defines no charset parameter). */
export const json = (status: number, value: unknown, headers: Headers = {}): Response =>
  jsonText(status, JSON.stringify(value), headers)

export const jsonText = (status: number, text: string, headers: Headers = {}): Response =>
  compressible(respond(status, streamed(text), headers), text)

/** A value that is a stream of bytes is sent no faster than its client reads. */
export const jsonOf = (status: number, value: Json<unknown>, headers: Headers = {}): Response =>
  value.stream
    ? compressible(respond(status, value.stream(), headers), null)
    : jsonText(status, value.text(), headers)

const respond = (status: number, body: string | ReadableStream, headers: Headers): Response =>
  new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } })

export const empty = (status: number, headers: Headers = {}): Response =>
  new Response(null, { status, headers })
