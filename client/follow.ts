import type { Change } from '../src/domain/change.ts'
import type { ChangesAnswer } from './index.ts'
import { type ReceivedEvent, readEvents } from './read-events.ts'
import { type Connection, type RequestOptions, sleep, TaskportError } from './request.ts'

/**
 * Changes in the order of their revisions, and where to go on from when they have been applied. With
 * `reset` they are the beginning of everything there is: throw away what you have first.
 */
export type Following = Readonly<{
  changes: readonly Change[]
  cursor: string
  reset: boolean
}>

type Feed = (
  from: { since?: string; limit?: number },
  options?: RequestOptions,
) => Promise<ChangesAnswer>

const PAGE = 500
const LONGEST_PAUSE = 30_000

/** Catches up through the feed, then listens, and catches up again when the connection is lost. */
export async function* follow(
  connection: Connection,
  feed: Feed,
  { since, signal }: { since?: string; signal?: AbortSignal },
): AsyncGenerator<Following> {
  const { pause = 200 } = connection
  let cursor = since
  let failures = 0
  while (!signal?.aborted) {
    try {
      for (let more = true; more && !signal?.aborted; ) {
        const reset = cursor === undefined
        const page: ChangesAnswer = await feed(
          { limit: PAGE, ...(cursor !== undefined && { since: cursor }) },
          signal && { signal },
        )
        if (reset || page.changes.length > 0) {
          yield { changes: page.changes, cursor: page.cursor, reset }
        }
        cursor = page.cursor
        more = page.has_more
      }
      for await (const step of listen(connection, cursor ?? '', signal)) {
        if (step.changes.length > 0) yield { ...step, reset: false }
        cursor = step.cursor
        failures = 0
      }
    } catch (error) {
      if (signal?.aborted) return
      if (error instanceof TaskportError && error.status === 410) cursor = undefined
      else if (error instanceof TaskportError && !isPassing(error)) throw error
    }
    const wait = Math.min(pause * 2 ** failures++, LONGEST_PAUSE) * (0.5 + Math.random() / 2)
    await sleep(wait, signal)
  }
}

const isPassing = ({ status }: TaskportError): boolean => status === 429 || status >= 500

/** What comes over one connection, up to each moment at which there is no more for now. */
async function* listen(
  { url, token, fetch: own, timeout }: Connection,
  since: string,
  signal?: AbortSignal,
): AsyncGenerator<Omit<Following, 'reset'>> {
  const send = own ?? ((address: string, init: RequestInit) => fetch(address, init))
  const open = async (refused?: string): Promise<AsyncGenerator<ReceivedEvent>> => {
    const bearer = await token(refused)
    const answer = await readEvents(
      send,
      `${url}/api/events?since=${encodeURIComponent(since)}`,
      { authorization: `Bearer ${bearer}` },
      { ...(signal && { signal }), ...(timeout !== undefined && { timeout }) },
    )
    if (!(answer instanceof TaskportError)) return answer
    if (answer.status !== 401 || refused !== undefined) throw answer
    return open(bearer)
  }
  let changes: Change[] = []
  for await (const { event, data } of await open()) {
    if (event === 'current') {
      yield { changes, cursor: (JSON.parse(data) as { cursor: string }).cursor }
      changes = []
    } else if (event === undefined) changes.push(JSON.parse(data) as Change)
  }
}
