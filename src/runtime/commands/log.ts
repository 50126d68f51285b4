import type { Log } from '../../application/log.ts'

type Fields = Readonly<{ error?: { message?: string } }>

const print = ({ error }: Fields, message: string): void => {
  process.stderr.write(`${message}${error?.message ? `: ${error.message}` : ''}\n`)
}

/** Of a command, whose own output is on stdout. */
export const commandLog: Log = { debug: () => {}, info: () => {}, warn: print, error: print }
