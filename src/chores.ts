import { describe, type Log } from './adapters/http/request-log.ts'
import type { App } from './application/index.ts'
import { repeat } from './repeat.ts'
import type { OpenStorage } from './storage.ts'

const HOUR = 3_600_000
const SECOND = 1000
const HALF_SECOND = 500

/** What is to be done all the time, once the storage has been reached; returns how to end it. */
export const startChores = (app: App, { reached, shared }: OpenStorage, log: Log): (() => void) => {
  const chores: (() => void)[] = []
  let ended = false
  void reached.then(() => {
    if (ended) return
    const forget = async (): Promise<void> => {
      const forgotten = await app.forgetOld()
      if (forgotten > 0) log.info({ rows: forgotten }, 'forgot old deletions and receipts')
    }
    chores.push(repeat(HOUR, forget, (error) => log.error(describe(error), 'forgetting failed')))
    chores.push(repeat(SECOND, app.remindDue, () => {}))
    // A failure is no news: whoever asks for anything now is told, and streams catch up afterwards.
    if (shared) chores.push(repeat(HALF_SECOND, app.lookForChanges, () => {}))
  })
  return () => {
    ended = true
    for (const end of chores) end()
  }
}
