import type { ChangesAhead } from '../../application/follow-changes.ts'
import type { ChangePage } from '../../application/read-changes.ts'
import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'
import { encodePosition } from './change-request.ts'
import { TransportError } from './problem.ts'

export type StreamOptions = Readonly<{
  /** Milliseconds between two signs of life; who has taken nothing for two of them is cut off. */
  heartbeat?: number
  /** Streams that one user may have open. */
  perUser?: number
  /** Told why a stream was cut off, unless its client was the reason. */
  onFailure?: (error: unknown) => void
}>

export type EventStreams = ReturnType<typeof eventStreams>

type Stream = { beat(): void; end(): void }

const TYPE = 'text/event-stream'
const LONGEST_TIMER = 2 ** 31 - 1
const encoder = new TextEncoder()

export const isEventStream = ({ headers }: Response): boolean =>
  headers.get('content-type') === TYPE

/**
 * Open streams of server-sent events (HTML Living Standard section 9.2). A stream ends when its
 * client goes, when the token that opened it expires, when its client takes nothing any more, and
 * when the server stops; whoever connects again goes on where it was.
 */
export const eventStreams = ({
  heartbeat = 15_000,
  perUser = 10,
  onFailure = () => {},
}: StreamOptions = {}) => {
  const open = new Map<UserId, Set<Stream>>()
  let pulse: Timer | undefined
  let closed = false

  const add = (user: UserId, stream: Stream): void => {
    open.set(user, (open.get(user) ?? new Set()).add(stream))
    pulse ??= setInterval(() => {
      for (const streams of open.values()) for (const each of streams) each.beat()
    }, heartbeat)
  }

  const drop = (user: UserId, stream: Stream): void => {
    const streams = open.get(user)
    streams?.delete(stream)
    if (streams?.size === 0) open.delete(user)
    if (open.size > 0) return
    clearInterval(pulse)
    pulse = undefined
  }

  return {
    /** Throws `unavailable` while stopping and `too-many-requests` when the user has enough. */
    admit: (user: UserId): void => {
      if (closed) throw new DomainError('unavailable', 'The server is stopping. Connect again.')
      if ((open.get(user)?.size ?? 0) < perUser) return
      throw new TransportError(
        'too-many-requests',
        `You have ${perUser} event streams open, the most allowed. Close one.`,
      )
    },

    /** Streams `first` and all that comes after it, until the token `expires` (a time in ms). */
    stream: (user: UserId, ahead: ChangesAhead, first: ChangePage, expires: number): Response => {
      let next: ChangePage | undefined = first
      let stuck = false
      let timer: Timer | undefined
      let control: ReadableStreamDefaultController<Uint8Array> | undefined
      const leave = (): void => {
        ahead.stop()
        clearTimeout(timer)
        drop(user, stream)
      }
      const end = (): void => {
        leave()
        control?.close()
        control = undefined
      }
      const cutOff = (): void => {
        leave()
        control?.error()
        control = undefined
      }
      const beat = (): void => {
        const full = (control?.desiredSize ?? 0) <= 0
        if (!full) control?.enqueue(encoder.encode(':\n\n'))
        else if (stuck) cutOff()
        stuck = full
      }
      const stream: Stream = { beat, end }
      add(user, stream)
      const left = expires - Date.now()
      if (left < LONGEST_TIMER) timer = setTimeout(end, left)

      const body = new ReadableStream<Uint8Array>(
        {
          start: (controller) => {
            control = controller
            const pause = 1000 + Math.floor(Math.random() * 2000)
            controller.enqueue(encoder.encode(`retry: ${pause}\n\n`))
          },
          pull: async () => {
            stuck = false
            try {
              const page = next ?? (await ahead.next())
              next = undefined
              if (page) control?.enqueue(encoder.encode(framesOf(page)))
            } catch (error) {
              onFailure(error)
              cutOff()
            }
          },
          cancel: () => {
            control = undefined
            leave()
          },
        },
        { highWaterMark: 1 },
      )
      const headers = {
        'content-type': TYPE,
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      }
      return new Response(body, { headers })
    },

    count: (): number => [...open.values()].reduce((sum, { size }) => sum + size, 0),

    /** Ends all streams, and lets no other begin. */
    close: (): void => {
      closed = true
      for (const streams of [...open.values()]) for (const each of [...streams]) each.end()
    },
  }
}

/** An event for each change, and one that tells when there are no more for now. */
const framesOf = ({ changes, position, more }: ChangePage): string => {
  const frames = changes.map(
    (change) => `id: ${change.revision}\ndata: ${JSON.stringify(change)}\n\n`,
  )
  if (more) return frames.join('')
  const current = JSON.stringify({ revision: position.revision, cursor: encodePosition(position) })
  return `${frames.join('')}event: current\nid: ${position.revision}\ndata: ${current}\n\n`
}
