import pino from 'pino'
import type { Log } from '../application/log.ts'
import type { Config } from './config.ts'
import { bufferedOutput, type Output } from './output.ts'

/** JSON lines on stdout, readable ones when stdout is a terminal. */
export const createLog = async (level: Config['logLevel']): Promise<Log> => {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const output = process.stdout.isTTY ? await terminal() : bufferedOutput(1)
  process.on('exit', output.flush)
  const logger = pino(options, output)
  return {
    info: (fields, message) => logger.info(fields, message),
    error: (fields, message) => {
      logger.error(fields, message)
      output.flush()
    },
  }
}

const terminal = async (): Promise<Output> => {
  const { default: pretty } = await import('pino-pretty')
  const options = { singleLine: true, translateTime: 'SYS:HH:MM:ss', destination: 1, sync: true }
  const stream = pretty(options)
  return { write: (line) => void stream.write(line), flush: () => {} }
}
