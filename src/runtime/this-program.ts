import { join } from 'node:path'

/** Whether this is the executable of `bun run build`, which has its own files inside. */
export const isOneFile = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(Bun.main)

/** The command that starts another process of this program. */
export const thisProgram = (...args: string[]): string[] =>
  isOneFile
    ? [process.execPath, ...args]
    : [process.execPath, join(import.meta.dir, '../taskport.ts'), ...args]
