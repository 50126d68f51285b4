import type { UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'
import type { Version } from '../../domain/version.ts'
import { listOf } from '../documents.ts'
import { fairShare, type ShareLimits } from '../fair-share.ts'
import type { Page, TaskList } from '../ports.ts'
import { SENT_WHOLE, sentLater, sizeOf, textOf } from './sent-later.ts'

/** Owners with more tasks have lists that take long: whole ones, and those with a filter. */
export const SHORT_LIST = 500

/** Bytes held for a whole list until its size is known. */
const LIST_BYTES = 16 * 2 ** 20

/** Bytes of all whole lists of a process that have been read and not yet been sent. */
const BYTES_IN_FLIGHT = 64 * 2 ** 20

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
export const longLists = ({ reads, bytesInFlight = BYTES_IN_FLIGHT, stall }: LongListOptions) => {
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
      if (sizeOf(chunks) > SENT_WHOLE) {
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
