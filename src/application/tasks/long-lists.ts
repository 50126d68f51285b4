import type { Task, UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'
import type { Version } from '../../domain/version.ts'
import { listOf } from '../documents.ts'
import { fairShare, type Held, type ShareLimits } from '../fair-share.ts'
import type { Json } from '../json.ts'
import type { Page, TaskList } from '../ports.ts'
import { turn } from '../turn.ts'

/** Owners with more tasks have lists that take long: whole ones, and those with a filter. */
export const SHORT_LIST = 500

/** Bytes held for a whole list until its size is known. */
const LIST_BYTES = 16 * 2 ** 20

/** Bytes of all whole lists of a process that have been read and not yet been sent. */
const BYTES_IN_FLIGHT = 64 * 2 ** 20

/** Up to this size a list is sent as a whole. */
const SMALL_BYTES = 2 ** 18

/** Milliseconds after which a list that is not passed on is dropped. */
const STALL_MS = 30_000

/** Chunks of a JSON array, as UTF-8; it may hold one task beyond the limit. */
export type LongRead = Readonly<{
  chunks: readonly Uint8Array[]
  count: number
  version: Version
}>

export type LongListOptions = Readonly<{
  /** A whole list takes the place of all reads of its owner. */
  reads: Pick<ShareLimits, 'capacity' | 'perOwner'>
  bytesInFlight?: number
  stall?: number
}>

export const isFiltered = ({ status, priority, due_before, due_after, search }: TaskQuery) =>
  status !== 'all' || [priority, due_before, due_after, search].some((filter) => filter !== null)

/** Bounds the reads under way and the bytes that await their clients, in all and for each owner. */
export const longLists = ({
  reads,
  bytesInFlight = BYTES_IN_FLIGHT,
  stall = STALL_MS,
}: LongListOptions) => {
  const slots = fairShare(reads)
  const bytes = fairShare({ capacity: bytesInFlight, perOwner: LIST_BYTES })

  const inTurn = async (
    owner: UserId,
    weight: number,
    read: () => Promise<LongRead>,
  ): Promise<LongRead> => {
    const slot = await slots.take(owner, weight)
    return read().finally(() => slot.settle(0))
  }

  return async (
    owner: UserId,
    { limit }: Page,
    read: () => Promise<LongRead>,
  ): Promise<TaskList> => {
    if (limit !== null) {
      const { chunks, count, version } = await inTurn(owner, 1, read)
      return listOf(textOf(chunks).slice(1, -1), count, true, limit, version)
    }
    const held = await bytes.take(owner, LIST_BYTES)
    try {
      const { chunks, count, version } = await inTurn(owner, reads.perOwner, read)
      if (sizeOf(chunks) > SMALL_BYTES) {
        return { tasks: sentLater(chunks, held, stall), more: false, last: undefined, version }
      }
      held.settle(0)
      return listOf(textOf(chunks).slice(1, -1), count, true, limit, version)
    } catch (error) {
      held.settle(0)
      throw error
    }
  }
}

const sizeOf = (chunks: readonly Uint8Array[]): number =>
  chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)

const textOf = (chunks: readonly Uint8Array[]): string => {
  const decoder = new TextDecoder()
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('')
}

/** Gives back what has been passed on, and everything when nothing is asked for any more. */
const sentLater = (
  chunks: readonly Uint8Array[],
  held: Held,
  stall: number,
): Json<readonly Task[]> => {
  let left = [...chunks]
  let drop = (): void => {}
  const end = (): void => {
    clearTimeout(timer)
    left = []
    held.settle(0)
  }
  const timer = setTimeout(() => {
    drop()
    end()
  }, stall)
  const settle = (): void => held.settle(sizeOf(left))
  settle()

  let whole: string | undefined
  const text = (): string => {
    whole ??= textOf(left)
    end()
    return whole
  }
  const stream = (): ReadableStream<Uint8Array> =>
    new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          drop = () => controller.error(new Error('The client does not read its list.'))
        },
        pull: async (controller) => {
          timer.refresh()
          // Without a turn of the event loop a fast client would have it to itself.
          await turn()
          const chunk = left.shift()
          if (chunk) controller.enqueue(chunk)
          if (left.length > 0) return settle()
          controller.close()
          end()
        },
        cancel: end,
      },
      { highWaterMark: 0 },
    )
  return { text, value: () => JSON.parse(text()), stream }
}
