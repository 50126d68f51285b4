import { expect, setDefaultTimeout, test } from 'bun:test'
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { bufferedOutput } from '../../src/runtime/output.ts'
import { temporaryFolder } from '../support/folder.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(30_000)

const SCRIPT = join(import.meta.dir, '../support/log-lines.ts')

const parse = (text: string): { name: string; n: number }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

test.each([
  ['process.exit', 'exit', 1],
  ['an uncaught exception', 'throw', 1],
  ['an unhandled rejection', 'reject', 1],
  ['an event loop with nothing left to do', 'drain', 0],
])('no line is lost at %s', async (_, end, code) => {
  const child = Bun.spawn([process.execPath, SCRIPT, 'a', '1000', end], {
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const lines = parse(await new Response(child.stdout).text())
  expect(lines.map(({ n }) => n)).toEqual(numbers(1000))
  expect(await within(child.exited, 'The process did not end.')).toBe(code)
})

test('an error is written at once, with what came before it', async () => {
  const child = Bun.spawn([process.execPath, SCRIPT, 'a', '10', 'error'], { stdout: 'pipe' })
  let text = ''
  const read = async (): Promise<void> => {
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk)
      if (text.split('\n').length === 12) return
    }
  }
  await within(read(), () => `11 lines, not:\n${text}`)
  expect(parse(text).map(({ n }) => n)).toEqual(numbers(11))
  child.kill('SIGKILL')
  await within(child.exited, 'The process did not end.')
})

test('lines of processes that share a pipe do not mix', async () => {
  const bun = process.execPath
  const each = ['a', 'b', 'c'].map((name) => `"${bun}" "${SCRIPT}" ${name} 5000 drain &`)
  const shell = Bun.spawn(['/bin/sh', '-c', `${each.join('\n')}\nwait`], { stdout: 'pipe' })
  const lines = parse(await new Response(shell.stdout).text())
  for (const name of ['a', 'b', 'c']) {
    const own = lines.filter((line) => line.name === name)
    expect(own.map(({ n }) => n)).toEqual(numbers(5000))
  }
})

test('a line alone is written at once, the next ones together', async () => {
  const path = join(temporaryFolder(), 'log')
  const file = openSync(path, 'w')
  const output = bufferedOutput(file, { interval: 50, size: 1000 })
  const written = (): Promise<string> => Bun.file(path).text()
  output.write('first\n')
  expect(await written()).toBe('first\n')
  output.write('second\n')
  output.write('third\n')
  expect(await written()).toBe('first\n')
  await eventually(async () => (await written()) === 'first\nsecond\nthird\n', 'all are written')
  const long = `${'x'.repeat(10_000)}\n`
  output.write(long)
  expect(await written()).toEndWith(`third\n${long}`)
  closeSync(file)
})

test('a pipe that is full for a while loses nothing', async () => {
  const folder = temporaryFolder()
  const pipe = join(folder, 'pipe')
  expect(Bun.spawnSync(['mkfifo', pipe]).success).toBe(true)
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  const count = 20_000
  const copy = Bun.file(join(folder, 'copy'))
  const reader = Bun.spawn(['head', '-n', String(count), pipe], { stdout: copy })
  const output = bufferedOutput(fd)
  for (const n of numbers(count)) output.write(`{"n":${n},"filler":"${'é'.repeat(40)}"}\n`)
  output.flush()
  expect(await within(reader.exited, 'The reader did not end.')).toBe(0)
  expect(parse(await copy.text()).map(({ n }) => n)).toEqual(numbers(count))
  closeSync(fd)
})
