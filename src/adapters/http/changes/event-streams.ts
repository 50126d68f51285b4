import type { ChangesAhead } from '../../../application/changes/follow-changes.ts'
import type { ChangePage } from '../../../application/changes/read-changes.ts'
import { changesOf } from '../../../application/documents.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { UserId } from '../../../domain/task.ts'
import { encodePosition } from './position.ts'

export type StreamOptions = Readonly<{
  /** Milliseconds; a client that reads nothing for two heartbeats is disconnected. */
  heartbeat?: number
  perUser?: number
  /** Of all users. */
  most?: number
  onFailure?: (error: unknown) => void
}>

/** What keeps a stream open. */
export type StreamAccess = Readonly<{
  /** Milliseconds since 1970. */
  expires: number
  /**
   * Called before changes are sent and with each heartbeat; the stream ends when it rejects with
   * `unauthenticated`.
   */
  recheck?: (() => Promise<unknown>) | undefined
}>

export type EventStreams = ReturnType<typeof eventStreams>

type Stream = { beat(): void; end(): void }

const CONTENT_TYPE = 'text/event-stream'
const LONGEST_TIMER = 2 ** 31 - 1

export const isEventStream = ({ headers }: Response): boolean =>
  headers.get('content-type') === CONTENT_TYPE

/** Server-sent events (HTML Living Standard section 9.2), until the token expires or is revoked, or the client leaves. */
export const eventStreams = ({
  heartbeat = 15_000,
  perUser = 10,
  most = 10_000,
  onFailure = () => {},
}: StreamOptions = {}) => {
  const streams = new Map<UserId, Set<Stream>>()
  let pulse: Timer | undefined
  let closed = false
  let count = 0

  const all = (): Stream[] => [...streams.values()].flatMap((own) => [...own])

  const add = (user: UserId, stream: Stream): void => {
    streams.set(user, (streams.get(user) ?? new Set()).add(stream))
    count++
    pulse ??= setInterval(() => {
      for (const each of all()) each.beat()
    }, heartbeat)
  }

  const remove = (user: UserId, stream: Stream): void => {
    const own = streams.get(user)
    if (own?.delete(stream)) count--
    if (own?.size === 0) streams.delete(user)
    if (streams.size > 0) return
    clearInterval(pulse)
    pulse = undefined
  }

  const requireOpen = (): void => {
    if (closed) throw new DomainError('unavailable', 'The server is shutting down. Reconnect.')
  }

  const requireRoom = (user: UserId): void => {
    if (count >= most) {
      throw new DomainError('unavailable', 'Too many event streams are open. Try again later.')
    }
    if ((streams.get(user)?.size ?? 0) < perUser) return
    throw new DomainError(
      'too-many-requests',
      `You have ${perUser} event streams open, the maximum. Close one first.`,
    )
  }

  return {
    /** Throws `unavailable` or `too-many-requests`. */
    open: async (
      user: UserId,
      follow: () => ChangesAhead,
      access: StreamAccess,
    ): Promise<Response> => {
      requireOpen()
      requireRoom(user)
      const stream: Stream = { beat: () => {}, end: () => {} }
      add(user, stream)
      let ahead: ChangesAhead | undefined
      const release = (): void => {
        ahead?.stop()
        remove(user, stream)
      }
      try {
        ahead = follow()
        const first = await ahead.next()
        requireOpen()
        if (!first) throw new Error('The feed ended although it was not stopped.')
        const started = startStream(ahead, first, access, release, onFailure)
        Object.assign(stream, started.stream)
        return started.response
      } catch (error) {
        release()
        throw error
      }
    },

    count: (): number => count,

    /** Ends all streams and prevents new ones. */
    close: (): void => {
      closed = true
      for (const each of all()) each.end()
    },
  }
}

const startStream = (
  ahead: ChangesAhead,
  first: ChangePage,
  { expires, recheck }: StreamAccess,
  release: () => void,
  onFailure: (error: unknown) => void,
): Readonly<{ stream: Stream; response: Response }> => {
  const encoder = new TextEncoder()
  let next: ChangePage | undefined = first
  let stuck = false
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const send = (text: string): void => controller?.enqueue(encoder.encode(text))
  const leave = (): void => {
    controller = undefined
    clearTimeout(timer)
    release()
  }
  const end = (): void => {
    controller?.close()
    leave()
  }
  const abort = (): void => {
    controller?.error()
    leave()
  }
  const beat = (): void => {
    const full = (controller?.desiredSize ?? 0) <= 0
    if (!full) send(':\n\n')
    else if (stuck) abort()
    stuck = full
    recheck?.().catch((error) => {
      if (isRefused(error)) end()
    })
  }
  const left = expires - Date.now()
  const timer = left < LONGEST_TIMER ? setTimeout(end, left) : undefined

  const body = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given
        // Spreads the reconnects after a restart.
        send(`retry: ${1000 + Math.floor(Math.random() * 2000)}\n\n`)
      },
      pull: async () => {
        stuck = false
        try {
          const page = next ?? (await ahead.next())
          next = undefined
          await recheck?.()
          if (page) send(framesOf(page))
        } catch (error) {
          if (isRefused(error)) return end()
          onFailure(error)
          abort()
        }
      },
      cancel: leave,
    },
    { highWaterMark: 1 },
  )
  const headers = {
    'content-type': CONTENT_TYPE,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  }
  return { stream: { beat, end }, response: new Response(body, { headers }) }
}

const isRefused = (error: unknown): boolean =>
  error instanceof DomainError && error.kind === 'unauthenticated'

/** An event per change, and `current` after the last one available. */
const framesOf = ({ changes, position, more }: ChangePage): string => {
  const frames = changesOf(changes).map(
    ({ revision, text }) => `id: ${revision}\ndata: ${text}\n\n`,
  )
  if (more) return frames.join('')
  const current = JSON.stringify({ revision: position.revision, cursor: encodePosition(position) })
  return `${frames.join('')}event: current\nid: ${position.revision}\ndata: ${current}\n\n`
}
