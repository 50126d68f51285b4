import pino from 'pino'
import type { Config } from './config.ts'

/** JSON lines on stdout, readable ones when stdout is a terminal. */
export const createLog = async (level: Config['logLevel']) => {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!process.stdout.isTTY) return pino(options)
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ singleLine: true, translateTime: 'SYS:HH:MM:ss' }))
}
