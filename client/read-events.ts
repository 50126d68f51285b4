import { TaskportError } from './request.ts'

export type ReceivedEvent = Readonly<{ event?: string; data: string }>

/** The server gives a sign of life every 15 seconds. */
const SILENCE = 40_000

/**
 * Opens a stream of server-sent events (HTML Living Standard section 9.2); answers what kept it from
 * opening. The stream throws when nothing has come for 40 seconds.
 */
export const readEvents = async (
  send: (url: string, init: RequestInit) => Promise<Response>,
  url: string,
  headers: Record<string, string>,
  { signal, timeout = SILENCE }: { signal?: AbortSignal; timeout?: number },
): Promise<AsyncGenerator<ReceivedEvent> | TaskportError> => {
  const silence = new AbortController()
  const watch = watchdog(() => silence.abort(), timeout)
  const either = AbortSignal.any([silence.signal, ...(signal ? [signal] : [])])
  either.addEventListener('abort', watch.end)
  try {
    const response = await send(url, {
      headers: { ...headers, accept: 'text/event-stream' },
      signal: either,
    })
    if (response.ok && response.body) {
      watch.allow(SILENCE)
      return events(response.body, watch)
    }
    const problem = await response.json().catch(() => undefined)
    watch.end()
    return new TaskportError(response.status, problem)
  } catch (error) {
    watch.end()
    throw error
  }
}

async function* events(
  body: ReadableStream<Uint8Array>,
  watch: ReturnType<typeof watchdog>,
): AsyncGenerator<ReceivedEvent> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      watch.allow(SILENCE)
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) yield { data, ...(event !== undefined && { event }) }
      }
    }
  } finally {
    watch.end()
    await reader.cancel().catch(() => {})
  }
}

/** Barks when it has not been allowed more time. */
const watchdog = (bark: () => void, milliseconds: number) => {
  let timer = setTimeout(bark, milliseconds)
  return {
    allow: (more: number): void => {
      clearTimeout(timer)
      timer = setTimeout(bark, more)
    },
    end: (): void => clearTimeout(timer),
  }
}
