import type { Json } from '../../../application/json.ts'

type Headers = Readonly<Record<string, string>>

/** A JSON response (RFC 8259, which defines no charset parameter). */
export const json = (status: number, value: unknown, headers: Headers = {}): Response =>
  jsonText(status, JSON.stringify(value), headers)

export const jsonText = (status: number, text: string, headers: Headers = {}): Response =>
  respond(status, text.length < CORK_SIZE ? text : streamOf(text), headers)

/** A value that is a stream of bytes is sent no faster than its client reads. */
export const jsonOf = (status: number, value: Json<unknown>, headers: Headers = {}): Response =>
  value.stream ? respond(status, value.stream(), headers) : jsonText(status, value.text(), headers)

const respond = (status: number, body: string | ReadableStream, headers: Headers): Response =>
  new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } })

export const empty = (status: number, headers: Headers = {}): Response =>
  new Response(null, { status, headers })

/**
 * With a larger text, after an await, Bun writes every header by a system call of its own, which costs
 * several times the rest of the response. A stream is written as a whole.
 */
const CORK_SIZE = 14_000

const streamOf = (text: string): ReadableStream =>
  new ReadableStream({
    type: 'direct',
    pull: (controller) => {
      controller.write(text)
      controller.end()
    },
  })
