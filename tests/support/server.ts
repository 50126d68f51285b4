import { join } from 'node:path'
import { eventually, within } from './wait.ts'

const ROOT = join(import.meta.dir, '../..')

const children = new Set<Bun.Subprocess>()

/** Kills what a failed test has left running. */
export const killServers = (): void => {
  for (const child of children) child.kill('SIGKILL')
}

export type RunningProcess = Readonly<{
  url: string
  /** Its output so far: the log, and the text on stderr. */
  lines: Record<string, unknown>[]
  /** The first line with this message, written already or within a minute. */
  logged(message: string): Promise<Record<string, unknown>>
  stderr(): string
  signal(name: NodeJS.Signals): void
  /** Rejects when it has not ended a minute after it was asked for. */
  exited: Promise<number>
}>

/** Runs `src/main.ts`, or another `main`, in `folder` on a free port; resolves when it listens or has ended. */
export const startServer = (
  folder: string,
  env: Record<string, string> = {},
  flags: string[] = [],
  main = join(ROOT, 'src/main.ts'),
): Promise<RunningProcess> => startProgram([process.execPath, ...flags, main], folder, env)

/** Runs any program that serves. */
export const startProgram = async (
  command: string[],
  folder: string,
  env: Record<string, string> = {},
  user: { uid?: number; gid?: number } = {},
): Promise<RunningProcess> => {
  const child = Bun.spawn(command, {
    ...user,
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
  const url = await within(
    Promise.race([listening, exited.then(() => '')]),
    () => `The server did not start: ${errors}`,
    60_000,
  )
  return {
    url,
    lines,
    logged: (message) =>
      eventually(
        () => lines.find(({ msg }) => msg === message),
        `The server did not log "${message}".`,
        60_000,
      ) as Promise<Record<string, unknown>>,
    stderr: () => errors,
    signal: (name) => child.kill(name),
    get exited() {
      return within(exited, () => `The server did not end: ${errors}`, 60_000)
    },
  }
}

/** What a user has after signing up or in with plain HTTP. */
export type Account = Readonly<{ userId: string; token: string; cookie: string }>

export const PASSWORD = 'correct horse'

/** Signs up, or in, and gets a token, as the start-up message shows. */
export const enter = async (
  url: string,
  way: 'sign-up' | 'sign-in',
  email: string,
): Promise<Account> => {
  const response = await fetch(`${url}/api/auth/${way}/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD, ...(way === 'sign-up' && { name: 'Ada' }) }),
  })
  if (!response.ok) throw new Error(`${way}: ${response.status} ${await response.text()}`)
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const { user } = (await response.json()) as { user: { id: string } }
  const issued = await fetch(`${url}/api/auth/token`, { headers: { cookie } })
  const { token } = (await issued.json()) as { token: string }
  return { userId: user.id, token, cookie }
}

/** Tokens without an identity provider: a secret for the server's environment, and the command. */
export const SHARED = { BETTER_AUTH_SECRET: 'a secret of at least thirty-two bytes' }

/** A token of the command, signed with `SHARED` unless `env` says otherwise. */
export const tokenFor = async (
  folder: string,
  args: string[],
  env: Record<string, string> = SHARED,
): Promise<{ token: string; error: string; code: number }> => {
  const child = Bun.spawn([process.execPath, join(ROOT, 'src/taskport.ts'), 'token', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [token, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return {
    token: token.trim(),
    error,
    code: await within(child.exited, 'The command did not end.'),
  }
}
