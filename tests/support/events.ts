import { within } from './wait.ts'

export type ReceivedEvent = Readonly<{ event?: string; id?: string; data?: unknown }>

/** Reads server-sent events as they come; every wait ends with an error at its deadline. */
export type EventReader = Readonly<{
  headers: Headers
  /** Undefined when the stream has ended; rejects when it was cut off. */
  next(): Promise<ReceivedEvent | undefined>
  /** Resolves after so many comments. */
  heartbeats(count: number): Promise<void>
  close(): void
}>

export const readEvents = async (
  url: string,
  headers: Record<string, string>,
): Promise<EventReader> => {
  const abort = new AbortController()
  const response = await within(
    fetch(url, { headers, signal: abort.signal }),
    `The stream ${url} should begin.`,
  )
  if (!response.ok || !response.body) throw new Error(`${response.status} ${await response.text()}`)
  const blocks = read(response.body)
  const next = async (): Promise<string | undefined> =>
    (await within(blocks.next(), `Another event of ${url} should come.`)).value
  return {
    headers: response.headers,
    next: async () => {
      for (let block = await next(); block !== undefined; block = await next()) {
        const event = parse(block)
        if (event.data !== undefined) return event
      }
      return undefined
    },
    heartbeats: async (count) => {
      for (let seen = 0; seen < count; ) {
        const block = await next()
        if (block === undefined) throw new Error(`The stream ended after ${seen} heartbeats.`)
        if (block === ':') seen++
      }
    },
    close: () => abort.abort(),
  }
}

async function* read(body: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    yield* blocks
  }
  if (rest !== '') throw new Error('The stream ended within an event.')
  return undefined
}

const parse = (block: string): ReceivedEvent => {
  const lines = block.split('\n').map((line) => /^(\w+): (.*)$/.exec(line))
  const fields = Object.fromEntries(lines.flatMap((line) => (line ? [[line[1], line[2]]] : [])))
  const { event, id, data } = fields as Record<string, string | undefined>
  return {
    ...(event !== undefined && { event }),
    ...(id !== undefined && { id }),
    ...(data !== undefined && { data: JSON.parse(data) }),
  }
}
