import type { Log } from '../application/log.ts'

/** On SIGTERM and SIGINT, and in a worker when its supervisor has died. */
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
