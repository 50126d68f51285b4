import { join } from 'node:path'
import { within } from './wait.ts'

const COMMAND = [process.execPath, join(import.meta.dir, '../../src/taskport.ts')]

export type Ended = Readonly<{ code: number; output: string; error: string }>

export type CommandOptions = Readonly<{
  env?: Record<string, string>
  input?: string
  /** What runs the command, such as a shell with limits. */
  wrapper?: readonly string[]
  command?: readonly string[]
}>

/** Starts `taskport` in a folder, with nothing of the test's own environment. */
export const startCommand = (
  folder: string,
  args: readonly string[],
  { env = {}, input = '', wrapper = [], command = COMMAND }: CommandOptions = {},
) =>
  Bun.spawn([...wrapper, ...command, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
  })

/** Runs `taskport` to its end. */
export const runCommand = async (
  folder: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<Ended> => {
  const child = startCommand(folder, args, options)
  try {
    const [code, output, error] = await within(
      Promise.all([
        child.exited,
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]),
      `taskport ${args.join(' ')} did not end.`,
      60_000,
    )
    return { code, output, error }
  } finally {
    child.kill('SIGKILL')
  }
}
