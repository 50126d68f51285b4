import type { Log } from './application/log.ts'

/**
 * Stops on SIGTERM and SIGINT, and, in a worker, when nobody supervises it any more; then ends the
 * process. Tells the supervisor, if there is one, that all is up.
 */
export const untilTold = (log: Log, stop: () => Promise<void>): void => {
  let stopping = false
  const end = async (reason: string): Promise<void> => {
    if (stopping) return
    stopping = true
    log.info({ signal: reason }, 'stopping')
    await stop()
    process.exit(0)
  }
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) {
    process.on(event, () => void end(event))
  }
  if (process.send && !process.connected) void end('disconnect')
  else process.send?.('listening')
}
