import type { UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'
import type { Version } from '../../domain/version.ts'
import { fairShare } from '../fair-share.ts'
import type { Page, Ports, TaskList } from '../ports.ts'
import { SENT_WHOLE, sentLater } from './sent-later.ts'

/** Bytes of large lists that have been read and not yet been sent, besides those of long reads. */
const BYTES_IN_FLIGHT = { capacity: 64 * 2 ** 20, perOwner: 16 * 2 ** 20 }

/** `list` is undefined, and not queried for, when `isKnown` holds for the current version. */
export const filterTasks = ({ tasks }: Pick<Ports, 'tasks'>) => {
  const bytes = fairShare(BYTES_IN_FLIGHT)

  const bounded = async (actor: UserId, list: TaskList): Promise<TaskList> => {
    if (list.tasks.stream || list.tasks.text().length <= SENT_WHOLE) return list
    const { last, more, version } = list
    const encoded = new TextEncoder().encode(list.tasks.text())
    const held = await bytes.take(actor, Math.min(encoded.byteLength, BYTES_IN_FLIGHT.perOwner))
    return { tasks: sentLater(slicesOf(encoded), held), last, more, version }
  }

  return async (
    actor: UserId,
    query: TaskQuery,
    page: Page = { limit: null, after: null },
    isKnown?: (version: Version) => boolean,
  ): Promise<Readonly<{ version: Version; list: TaskList | undefined }>> => {
    if (isKnown) {
      const [current] = await tasks.versions([actor])
      const version = current?.version ?? { revision: 0, timeline: '' }
      if (isKnown(version)) return { version, list: undefined }
    }
    const list = await bounded(actor, await tasks.list(actor, query, page))
    return { version: list.version, list }
  }
}

const SLICE_BYTES = 65_536

const slicesOf = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.byteLength / SLICE_BYTES) }, (_, n) =>
    bytes.subarray(n * SLICE_BYTES, (n + 1) * SLICE_BYTES),
  )
