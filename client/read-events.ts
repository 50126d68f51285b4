import type { Deadline } from './time.ts'

export type ReceivedEvent = Readonly<{ event?: string; data: string }>

/** The server sends a heartbeat every 15 seconds. */
const SILENCE_MS = 40_000

/** HTML Living Standard section 9.2. Throws after 40 silent seconds, and at the deadline. */
export async function* readEvents(
  response: Response,
  deadline: Deadline,
): AsyncGenerator<ReceivedEvent> {
  const { signal } = deadline
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  const cancel = () => reader?.cancel().catch(() => {})
  signal.addEventListener('abort', cancel)
  let rest = ''
  try {
    signal.throwIfAborted()
    while (reader) {
      deadline.extend(SILENCE_MS)
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) yield { data, ...(event !== undefined && { event }) }
        signal.throwIfAborted()
      }
    }
  } finally {
    deadline.clear()
    await cancel()
  }
}
