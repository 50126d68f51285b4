import { RECORDS_KEPT_MS } from '../../domain/changeset.ts'
import { earlier } from '../../domain/due-date.ts'
import type { Horizon, Ports } from '../ports.ts'
import { turn } from '../turn.ts'

const TOMBSTONES_KEPT_MS = 90 * 86_400_000
const REVISIONS_KEPT = 100_000
const OWNERS = 100
/** More in one step would delay requests: SQLite works in the thread of the event loop. */
const BATCH_SIZE = 250

/** A few rows of one owner at a time, so that nothing waits long for it. */
export const purgeExpired =
  ({ tasks, now }: Pick<Ports, 'tasks' | 'now'>) =>
  async (): Promise<undefined> => {
    const at = now()
    const horizon: Horizon = {
      tombstones: earlier(at, TOMBSTONES_KEPT_MS),
      records: earlier(at, RECORDS_KEPT_MS),
      revisions: REVISIONS_KEPT,
    }
    for (;;) {
      let removed = 0
      for (const owner of await tasks.expired(horizon, OWNERS)) {
        for (let rows = -1; rows !== 0; removed += rows) {
          await turn()
          rows = await tasks.purge(owner, horizon, BATCH_SIZE)
        }
      }
      if (removed === 0) return
    }
  }
