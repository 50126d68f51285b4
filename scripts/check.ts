import { readdirSync } from 'node:fs'
import { hasCitus } from '../tests/support/citus-binaries.ts'

/**
 * Types, lint and all tests, some of them in the two outermost time zones as well. Ends with a line
 * `N passed, N failed`; a step that is no test run counts as one.
 */

const root = `${import.meta.dir}/..`
const bun = process.execPath
const bin = (name: string): string[] => [bun, `${root}/node_modules/.bin/${name}`]
const PURE = readdirSync(`${root}/tests`)
  .filter((name) => name === 'domain' || name === 'application')
  .map((name) => `tests/${name}`)

const API = ['tasks', 'changes', 'webhooks'].map((name) => `tests/http/${name}.test.ts`)

let passed = 0
const failures: string[] = []

const run = async (name: string, command: string[], env: Record<string, string> = {}) => {
  process.stdout.write(`\n== ${name}\n`)
  const child = Bun.spawn(command, {
    cwd: root,
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'pipe',
  })
  let output = ''
  const decoder = new TextDecoder()
  for await (const chunk of child.stderr) {
    process.stdout.write(chunk)
    output += decoder.decode(chunk, { stream: true })
  }
  return { output, ok: (await child.exited) === 0 }
}

const step = async (name: string, command: string[]): Promise<void> => {
  const { ok } = await run(name, command)
  if (ok) passed++
  else failures.push(name)
}

/** Counts what the runner reports; a run that fails without a failed test counts as a failure. */
const tests = async (
  name: string,
  folders: string[],
  env: Record<string, string>,
): Promise<void> => {
  const { output, ok } = await run(name, [bun, 'test', ...folders], env)
  const count = (word: string): number =>
    Number(new RegExp(`^\\s*(\\d+) ${word}$`, 'm').exec(output)?.[1] ?? 0)
  const bad = [...output.matchAll(/^\((?:fail|skip|todo)\) .*$/gm)].map(([line]) => line)
  passed += count('pass')
  if (bad.length === 0 && !(ok && count('pass') > 0)) bad.push('ended badly')
  failures.push(...new Set(bad.map((line) => `${name}: ${line}`)))
}

await step('types', [...bin('tsc'), '--noEmit', '-p', '.'])
await step('lint', [...bin('biome'), 'check', '--error-on-warnings', '.'])
await tests('tests', [], {})
if (hasCitus) await tests('tests of the API on Citus', API, { TEST_STORAGE: 'citus' })
for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
  await tests(
    `tests in ${zone}`,
    [...PURE, 'tests/adapters/memory', 'tests/adapters/sqlite', 'tests/http/tasks'],
    { TZ: zone },
  )
}
for (const failure of failures) process.stdout.write(`\n${failure}`)
process.stdout.write(`\n${passed} passed, ${failures.length} failed\n`)
process.exit(failures.length === 0 ? 0 : 1)
