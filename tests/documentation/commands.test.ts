import { expect, setDefaultTimeout, test } from 'bun:test'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import packageJson from '../../package.json'
import { temporaryFolder } from '../support/folder.ts'
import { freePort } from '../support/free-port.ts'
import { startServer } from '../support/server.ts'
import { within } from '../support/wait.ts'
import { blocks, type Page, pages, ROOT } from './pages.ts'

setDefaultTimeout(120_000)

const ADDRESS = 'http://127.0.0.1:8000'
const MARK = '--- next ---'

type Command = Readonly<{ command: string; answer: string }>

const commandsOf = ({ text }: Page): Command[] =>
  blocks(text, 'console')
    .join('')
    .split(/^\$ /m)
    .filter(Boolean)
    .map((part) => {
      const [command = '', ...answer] = part.split('\n')
      return { command, answer: answer.join('\n') }
    })

/** The variables with which a page starts its server, before its first command. */
const environmentOf = ({ text }: Page): Record<string, string> => {
  const [before = ''] = text.split('```console')
  const lines = blocks(before, 'sh').join('').replaceAll('\\\n', '').split('\n')
  const start = lines.findLast((line) => /^(?:[A-Z_]+=\S+ +)*bun run up$/.test(line)) ?? ''
  return Object.fromEntries([...start.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, ...pair]) => pair))
}

/** What differs from run to run. */
const steady = (text: string): string =>
  text
    .replaceAll('http://localhost:8000', ADDRESS)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/"(?!remind_)(\w+_at|\w+At)":"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z"/g, '"$1":"<time>"')
    .replace(/"user_id":"[A-Za-z0-9]{32}"/g, '"user_id":"<user>"')
    .replace(/"(\d+)\.[0-9a-z]{1,32}"/g, '"$1.<timeline>"')
    .replaceAll('\r', '')
    .trimEnd()

/** A folder like the project's, with data of its own; `up` installs nothing. */
const checkout = async (page: Page, placed: (text: string) => string): Promise<string> => {
  const folder = temporaryFolder()
  for (const name of ['node_modules', 'src', 'client', 'scripts']) {
    symlinkSync(join(ROOT, name), join(folder, name))
  }
  const scripts = { ...packageJson.scripts, up: 'bun src/main.ts' }
  await Bun.write(join(folder, 'package.json'), JSON.stringify({ ...packageJson, scripts }))
  for (const [, name = '', text = ''] of page.text.matchAll(/```[jt]s\n\/\/ (\S+)\n(.*?)```/gs)) {
    await Bun.write(join(folder, name), placed(text))
  }
  return folder
}

const run = async (page: Page): Promise<void> => {
  const commands = commandsOf(page)
  const receiver = `${freePort()}`
  let url = ADDRESS
  const placed = (text: string): string =>
    text
      .replaceAll('http://localhost:8000', url)
      .replaceAll(ADDRESS, url)
      .replaceAll('9000', receiver)
  const folder = await checkout(page, placed)
  const server = await startServer(folder, environmentOf(page))
  url = server.url
  const script = commands.map(({ command }) => placed(command)).join(`\necho; echo '${MARK}'\n`)
  const shell = Bun.spawn(['bash', '-c', script], { cwd: folder, stdout: 'pipe', stderr: 'pipe' })
  const [answers, errors] = await within(
    Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]),
    `The commands of ${page.file} should end.`,
    90_000,
  ).finally(() => shell.kill())
  expect(errors).toBe('')
  const given = answers.replaceAll(url, ADDRESS).split(`${MARK}\n`)
  expect(given).toHaveLength(commands.length)
  for (const [n, { command, answer }] of commands.entries()) {
    expect(`${command}\n${steady(given[n] ?? '')}`).toBe(`${command}\n${steady(answer)}`)
  }
  server.signal('SIGTERM')
  expect(await within(server.exited, 'The server should exit after SIGTERM.')).toBe(0)
}

const withCommands = (await pages()).filter((page) => commandsOf(page).length > 0)

test('the README and the pages of docs have commands', () => {
  const files = withCommands.map(({ file }) => file)
  expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/sync.md', 'docs/webhooks.md']))
})

test.concurrent.each(withCommands)(
  'every command of $file gives the answer that stands there',
  (page) => run(page),
)
