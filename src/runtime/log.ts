import type { Log } from '../application/log.ts'
import { type Config, LOG_LEVELS } from './config.ts'
import { bufferedOutput, type Output } from './output.ts'

/** JSON lines on stdout, readable ones when stdout is a terminal. */
export const createLog = async (level: Config['logLevel']): Promise<Log> => {
  const output = process.stdout.isTTY ? await terminal() : bufferedOutput(1)
  process.on('exit', output.flush)
  const enabled = (name: Config['logLevel']): boolean =>
    LOG_LEVELS.indexOf(name) >= LOG_LEVELS.indexOf(level)
  const write = (name: Config['logLevel'], fields: object, msg: string): void => {
    const line = { level: name, time: new Date().toISOString(), ...fields, msg }
    output.write(`${JSON.stringify(line)}\n`)
  }
  const [debug, info] = [enabled('debug'), enabled('info')]
  const [warn, error] = [enabled('warn'), enabled('error')]
  return {
    debug: (fields, message) => {
      if (debug) write('debug', fields, message)
    },
    info: (fields, message) => {
      if (info) write('info', fields, message)
    },
    warn: (fields, message) => {
      if (warn) write('warn', fields, message)
    },
    error: (fields, message) => {
      if (!error) return
      write('error', fields, message)
      output.flush()
    },
  }
}

const terminal = async (): Promise<Output> => {
  const { prettyFactory } = await import('pino-pretty')
  const prettify = prettyFactory({ singleLine: true, translateTime: 'SYS:HH:MM:ss' })
  return { write: (line) => void process.stdout.write(prettify(line)), flush: () => {} }
}
