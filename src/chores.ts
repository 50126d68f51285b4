import type { App } from './application/index.ts'
import { type Log, serializeError } from './application/log.ts'
import { repeat } from './repeat.ts'
import type { OpenStorage } from './storage.ts'

const HOUR = 3_600_000
const SECOND = 1000
const HALF_SECOND = 500
const GRACE = 8 * SECOND

/**
 * Begins what is to be done all the time, once the storage has been reached; returns how to end it,
 * which takes as long as what is being done, at most 8 seconds.
 */
export const startChores = (
  app: App,
  { reached, shared, jobs }: OpenStorage,
  log: Log,
): (() => Promise<void>) => {
  const chores: (() => void)[] = []
  let ended = false
  const tidy = (): Promise<void> =>
    jobs.enqueue({ kind: 'tidy', key: '' }, new Date().toISOString())
  // A failure is no news: whoever asks for anything now is told, and it is tried again at once.
  const quietly = (): void => {}
  void reached.then(() => {
    if (ended) return
    jobs.work(app.runJob)
    chores.push(
      repeat(HOUR, tidy, (error) => log.error(serializeError(error), 'tidying up is delayed')),
      repeat(SECOND, app.remindDue, quietly),
      repeat(HALF_SECOND, app.wakeWebhooks, quietly),
    )
    if (shared) chores.push(repeat(HALF_SECOND, app.lookForChanges, quietly))
  })
  return async () => {
    ended = true
    for (const end of chores) end()
    await Promise.race([jobs.stop(), Bun.sleep(GRACE)])
  }
}
