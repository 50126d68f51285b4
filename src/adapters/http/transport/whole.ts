/**
 * With a larger body, after an await, Bun writes every header by a system call of its own, which costs
 * several times the rest of the response. A stream is written as a whole.
 */
const CORK_SIZE = 14_000

/** A body that is written as a whole, together with its headers. */
export const streamed = <Body extends string | Uint8Array>(body: Body): Body | ReadableStream =>
  body.length < CORK_SIZE
    ? body
    : new ReadableStream({
        type: 'direct',
        pull: (controller) => {
          controller.write(body)
          controller.end()
        },
      })
