import { expect, setDefaultTimeout, test } from 'bun:test'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './support/folder.ts'
import { freePort } from './support/free-port.ts'
import { startServer } from './support/server.ts'
import { within } from './support/wait.ts'

setDefaultTimeout(60_000)

const ROOT = join(import.meta.dir, '..')

/** What differs from run to run. */
const steady = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/"(created|updated)_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"$1_at":"<time>"')
    .replace(/"user_id":"[A-Za-z0-9]{32}"/g, '"user_id":"<user>"')
    .replace(/"(\d+)\.[0-9a-z]{1,32}"/g, '"$1.<timeline>"')
    .replaceAll('\r', '')
    .trimEnd()

test('every command of the README gives the answer that stands there', async () => {
  const readme = await Bun.file(join(ROOT, 'README.md')).text()
  const session = [...readme.matchAll(/```console\n(.*?)```/gs)].map(([, block]) => block).join('')
  const commands = session
    .split(/^\$ /m)
    .filter(Boolean)
    .map((part) => {
      const [command = '', ...answer] = part.split('\n')
      return { command, answer: answer.join('\n') }
    })
  expect(commands.length).toBeGreaterThan(10)

  const folder = temporaryFolder()
  const server = await startServer(folder, { WEBHOOK_ALLOW: 'http,private' })
  const receiver = `${freePort()}`
  const placed = (text: string): string =>
    text.replaceAll('http://127.0.0.1:8000', server.url).replaceAll('9000', receiver)
  for (const [, name = '', text = ''] of readme.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)) {
    await Bun.write(join(folder, name), placed(text))
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const mark = '--- next ---'
  const script = commands.map(({ command }) => placed(command)).join(`\necho; echo '${mark}'\n`)
  const shell = Bun.spawn(['bash', '-c', script], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [answers, errors] = await within(
    Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]),
    'The commands of the README should end.',
    45_000,
  ).finally(() => shell.kill())
  expect(errors).toBe('')
  const given = answers.split(`${mark}\n`)
  expect(given).toHaveLength(commands.length)
  for (const [n, { command, answer }] of commands.entries()) {
    expect(`${command}\n${steady(given[n] ?? '')}`).toBe(`${command}\n${steady(answer)}`)
  }
  server.signal('SIGTERM')
  expect(await within(server.exited, 'The server should exit after SIGTERM.')).toBe(0)
})
