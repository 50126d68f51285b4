import { TaskportError } from './error.ts'
import { readEvents } from './read-events.ts'
import { queryOf, type Request, requester } from './request.ts'
import { backOff, sleep } from './time.ts'
import type { Change, ChangesPage, Connection, FollowedChanges, FollowOptions } from './types.ts'

const PAGE_SIZE = 500

export async function* follow(
  connection: Connection,
  { since, signal, onStatus }: FollowOptions,
): AsyncGenerator<FollowedChanges> {
  let tokenError: unknown
  const token: Connection['token'] = async (refused) => {
    try {
      return await connection.token(refused)
    } catch (error) {
      tokenError = error
      throw error
    }
  }
  const request = requester({ ...connection, token, attempts: 1 })
  let cursor = since
  let failures = 0
  let pause = 0
  while (!signal?.aborted) {
    let liveSince = Number.POSITIVE_INFINITY
    let error: unknown
    onStatus?.({ status: 'connecting' })
    try {
      for (let more = true; more; ) {
        const reset = cursor === undefined
        const path = `/api/changes${queryOf({ limit: PAGE_SIZE, since: cursor })}`
        const { body: page } = await request<ChangesPage>('GET', path, { signal })
        if (reset || page.changes.length > 0) {
          yield { changes: page.changes, cursor: page.cursor, reset }
        }
        cursor = page.cursor
        more = page.has_more
      }
      for await (const news of listen(request, cursor, signal)) {
        if (liveSince === Number.POSITIVE_INFINITY) {
          liveSince = performance.now()
          onStatus?.({ status: 'live' })
        }
        if (news.changes.length > 0) yield { ...news, reset: false }
        cursor = news.cursor
      }
    } catch (thrown) {
      error = thrown
    }
    if (signal?.aborted) return
    if (isFinal(error) || (error !== undefined && error === tokenError && !onStatus)) throw error
    const problem = error instanceof TaskportError ? error : undefined
    if (problem?.status === 410) cursor = undefined
    // A stream that ends again at once must not bring the short pauses back.
    failures = performance.now() - liveSince > pause ? 1 : failures + 1
    pause = backOff(connection.pause ?? 200, failures) + (problem?.retryAfter ?? 0)
    onStatus?.({ status: 'waiting', error, pause })
    await sleep(pause, signal)
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof TaskportError && error.status < 500 && ![410, 429].includes(error.status)

async function* listen(
  request: Request,
  since: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Omit<FollowedChanges, 'reset'>> {
  const { body: events } = await request('GET', `/api/events${queryOf({ since })}`, {
    signal,
    headers: { accept: 'text/event-stream' },
    read: async (response, deadline) => readEvents(response, deadline),
  })
  let changes: Change[] = []
  for await (const { event, data } of events) {
    if (event === 'current') {
      yield { changes, cursor: (JSON.parse(data) as { cursor: string }).cursor }
      changes = []
    } else if (event === undefined) changes.push(JSON.parse(data) as Change)
  }
}
