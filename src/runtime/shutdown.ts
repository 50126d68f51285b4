import type { Log } from '../application/log.ts'

/**
 * Stops on SIGTERM and SIGINT, and in a worker when its supervisor has died; then ends the process.
 * Reports to the supervisor, if there is one, that this worker listens.
 */
export const onShutdown = (log: Log, stop: () => Promise<void>): void => {
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
