import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { Deadline } from './time.ts'

/** The server sends a heartbeat every 15 seconds. */
const SILENCE_MS = 40_000

/** Throws after 40 silent seconds, and at the deadline. */
export async function* readEvents(
  response: Response,
  deadline: Deadline,
): AsyncGenerator<EventSourceMessage> {
  const { signal } = deadline
  let events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => events.push(event) })
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  const cancel = () => reader?.cancel().catch(() => {})
  signal.addEventListener('abort', cancel)
  try {
    signal.throwIfAborted()
    while (reader) {
      deadline.extend(SILENCE_MS)
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      for (const event of events) {
        yield event
        signal.throwIfAborted()
      }
      events = []
    }
  } finally {
    deadline.clear()
    await cancel()
  }
}
