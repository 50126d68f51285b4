import { type Log, serializeError } from '../application/log.ts'

/** Milliseconds that running requests and jobs have to end. */
const GRACE_MS = 8000

/** After an uncaught error nothing is certain any more. */
const FAULT_GRACE_MS = 2000

/** Milliseconds for everything else, such as closing the storage. */
const CLOSE_MS = 4000

/** Ends a process that cannot start. */
export const fail = (error: unknown): never => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}

/**
 * Ends the process in order: with code 0 on SIGTERM and SIGINT, and in a worker when its supervisor
 * has died; with code 1 after an uncaught error, and when it takes too long.
 */
export const onShutdown = (log: Log, stop: (grace: number) => Promise<void>): void => {
  let stopping = false
  let code = 0

  const note = (error: unknown, message: string): void => {
    code = 1
    log.error(serializeError(error), message)
  }

  const end = async (grace: number): Promise<void> => {
    if (stopping) return
    stopping = true
    const late = setTimeout(() => {
      log.error({}, 'stopping takes too long, ending at once')
      process.exit(1)
    }, grace + CLOSE_MS)
    await stop(grace).catch((error) => note(error, 'stopping failed'))
    clearTimeout(late)
    process.exit(code)
  }

  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) {
    process.on(event, () => {
      if (!stopping) log.info({ signal: event }, 'stopping')
      void end(GRACE_MS)
    })
  }
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error) => {
      note(error, 'uncaught error, stopping')
      void end(FAULT_GRACE_MS)
    })
  }
  if (process.send && !process.connected) process.emit('disconnect')
  else process.send?.('listening')
}
