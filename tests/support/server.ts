import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../..')

const children = new Set<Bun.Subprocess>()

/** Ends what a failed test has left running. */
export const killServers = (): void => {
  for (const child of children) child.kill('SIGKILL')
}

export type RunningProcess = Readonly<{
  url: string
  /** What it has written so far: JSON lines, and words for people. */
  lines: Record<string, unknown>[]
  stderr(): string
  signal(name: NodeJS.Signals): void
  exited: Promise<number>
}>

/** Runs `src/main.ts` in `folder` on a free port; resolves when it listens or has ended. */
export const startServer = async (
  folder: string,
  env: Record<string, string> = {},
): Promise<RunningProcess> => {
  const child = Bun.spawn([process.execPath, join(ROOT, 'src/main.ts')], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  children.add(child)
  void child.exited.then(() => children.delete(child))
  const lines: Record<string, unknown>[] = []
  const { promise: listening, resolve } = Promise.withResolvers<string>()
  let errors = ''
  const readErrors = (async () => {
    for await (const chunk of child.stderr) errors += new TextDecoder().decode(chunk)
  })()
  const readLines = (async () => {
    let rest = ''
    for await (const chunk of child.stdout) {
      const parts = (rest + new TextDecoder().decode(chunk)).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const line = JSON.parse(part)
        lines.push(line)
        if (line.msg === 'listening') resolve(line.url)
      }
    }
  })()
  const exited = Promise.all([child.exited, readErrors, readLines]).then(([code]) => code)
  const url = await Promise.race([listening, exited.then(() => '')])
  return { url, lines, stderr: () => errors, signal: (name) => child.kill(name), exited }
}

/** A token as a newcomer gets it: from the command, in the server's folder. */
export const tokenFor = async (
  folder: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ token: string; error: string; code: number }> => {
  const child = Bun.spawn([process.execPath, join(ROOT, 'scripts/token.ts'), ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [token, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { token: token.trim(), error, code: await child.exited }
}
