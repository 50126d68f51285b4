import { join } from 'node:path'

/** One request to send, and what must come of it. */
export type LoadRequest = Readonly<{
  method: string
  path: string
  headers: Record<string, string>
  body?: string
  status: number
  /** Every task of the answer is this user's, and there are so many. */
  owner?: string
  count?: number
}>

export type LoadResult = Readonly<{
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  answers: number
  /** Changes that were acknowledged. */
  written: number
}>

const SCRIPT = join(import.meta.dir, 'load.lua')

let runs = 0

export type Load = Readonly<{ connections: number; seconds: number; folder: string }>

/**
 * Sends the requests over and over with wrk, one at a time over each connection. Throws when any
 * answer was wrong, or missing.
 */
export const load = async (
  url: string,
  requests: readonly LoadRequest[],
  { connections, seconds, folder }: Load,
): Promise<LoadResult> => {
  const plan = join(folder, 'plan.lua')
  await Bun.write(plan, `return {${requests.map(lua).join(',\n')}}`)
  const child = Bun.spawn(
    [
      'wrk',
      `-t${connections}`,
      `-c${connections}`,
      `-d${seconds}s`,
      '-s',
      SCRIPT,
      url,
      '--',
      plan,
      `${++runs}`,
    ],
    { stdout: 'pipe', stderr: 'pipe' },
  )
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  const numbers = /^RESULT (.*)$/m.exec(output)?.[1]?.split(' ').map(Number)
  if (!numbers) throw new Error(`wrk failed: ${errors || output}`)
  const [answers = 0, wrong, written = 0, lost, duration = 0, p50 = 0, p99 = 0] = numbers
  if (wrong || lost) {
    const example = /^EXAMPLE (.*)$/m.exec(output)?.[1]
    throw new Error(`${wrong} wrong and ${lost} missing answers of ${answers}: ${example}`)
  }
  return { perSecond: answers / duration, p50, p99, answers, written }
}

/** Any of these values as Lua has it. */
export const lua = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? `{${Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([name, one]) => `[${lua(name)}]=${lua(one)}`)
        .join()}}`
    : typeof value === 'number'
      ? String(value)
      : JSON.stringify(value)
