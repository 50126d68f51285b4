import type { FeedPosition } from '../../domain/change.ts'
import type { UserId } from '../../domain/task.ts'
import { fairShare } from '../fair-share.ts'
import type { Ports } from '../ports.ts'
import { turn } from '../turn.ts'
import type { ChangeSignal } from './change-signal.ts'
import { type ChangePage, readChanges } from './read-changes.ts'

/** `next` returns undefined once `stop` has been called. */
export type ChangesAhead = Readonly<{
  next(): Promise<ChangePage | undefined>
  stop(): void
}>

/** However many follow, pages are read a few at a time. */
const READS = { capacity: 8, perOwner: 1, queue: 100_000, queuePerOwner: 1000, patience: 30_000 }

/** The first page comes at once, even empty. Pages are read on demand, so none pile up. */
export const followChanges = ({ tasks }: Pick<Ports, 'tasks'>, signal: ChangeSignal) => {
  const reads = fairShare(READS)

  return (actor: UserId, from: FeedPosition | null, limit: number): ChangesAhead => {
    const read = async (): Promise<ChangePage> => {
      const held = await reads.take(actor, 1)
      try {
        await turn()
        return await readChanges(tasks, actor, last?.position ?? from, limit)
      } finally {
        held.settle(0)
      }
    }
    const watch = signal.watch(actor)
    let last: ChangePage | undefined
    let stopped = false
    const next = async (): Promise<ChangePage | undefined> => {
      for (;;) {
        if (last && !last.more) await watch.waitPast(last.position.revision)
        if (stopped) return undefined
        const first = last === undefined
        last = await read()
        if (first || last.more || !last.empty) return last
      }
    }
    const stop = (): void => {
      stopped = true
      watch.end()
    }
    return { next, stop }
  }
}
