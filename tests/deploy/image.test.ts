import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runCommand } from '../support/command.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freePort } from '../support/free-port.ts'
import { json } from '../support/http.ts'
import { enter, killServers, startProgram } from '../support/server.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(180_000)

afterAll(killServers)

const ROOT = join(import.meta.dir, '../..')

type Instruction = Readonly<{ name: string; text: string }>

const instructions = async (): Promise<Instruction[]> =>
  (await Bun.file(join(ROOT, 'Dockerfile')).text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ name: line.replace(/ .*/, ''), text: line.replace(/^\w+ /, '') }))

/** What `COPY . .` takes: committed files that .dockerignore does not name, and none of its folders. */
const copyContext = async (target: string): Promise<void> => {
  const ignored = (await Bun.file(join(ROOT, '.dockerignore')).text()).trim().split('\n')
  const listed = Bun.spawnSync(['git', 'ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  })
  for (const path of listed.stdout.toString().trim().split('\n')) {
    if (ignored.some((name) => path === name || path.startsWith(`${name}/`))) continue
    mkdirSync(dirname(join(target, path)), { recursive: true })
    cpSync(join(ROOT, path), join(target, path))
  }
}

/** The steps of the Dockerfile on this machine, with folders of the test in place of its own. */
test('what the Dockerfile does makes an image that serves, stores in /data and tells its health', async () => {
  const steps = await instructions()
  const of = (name: string): string[] =>
    steps.filter((step) => step.name === name).map(({ text }) => text)
  expect(steps.map(({ name }) => name).filter((name) => name === 'FROM')).toHaveLength(2)

  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  const [build, out, data] = ['build', 'out', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(build)
  mkdirSync(out)
  await copyContext(build)
  symlinkSync(join(ROOT, 'node_modules'), join(build, 'node_modules'))
  const [compile = '', packages = '', makeData = '', ...others] = of('RUN')
  expect(others).toEqual([])
  const sh = async (command: string): Promise<void> => {
    const placed = command
      .replaceAll('/out/', `${out}/`)
      .replaceAll(/(?<= )\/data\b/g, data)
      .replaceAll(/\bbun /g, `${process.execPath} `)
      .replaceAll(/-[og] 10001 /g, process.getuid?.() === 0 ? '$&' : '')
    const child = Bun.spawn(['sh', '-ec', placed], { cwd: build, stdout: 'pipe', stderr: 'pipe' })
    const errors = new Response(child.stderr).text()
    expect([placed, await child.exited, await errors]).toEqual([placed, 0, ''])
  }
  expect(compile).toStartWith('bun install --frozen-lockfile --production --silent && ')
  await sh(compile.replace(/^.*? && /, ''))
  await sh(packages)
  await sh(makeData)
  expect(of('COPY')).toEqual(['. .', '--from=build /out/taskport /usr/local/bin/taskport'])
  const executable = join(out, 'taskport')
  chmodSync(out, 0o755)

  const port = String(freePort())
  const [settings = ''] = of('ENV')
  const env = Object.fromEntries(
    settings
      .replace('/data', data)
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  )
  expect([env['HOST'], of('VOLUME'), of('WORKDIR').at(-1)]).toEqual(['0.0.0.0', ['/data'], '/data'])
  const [entry] = JSON.parse(of('ENTRYPOINT')[0] ?? '[]')
  const command = JSON.parse(of('CMD')[0] ?? '[]') as string[]
  expect([entry, command]).toEqual(['taskport', ['serve']])
  expect(of('USER')).toEqual(['10001:10001'])
  const user = process.getuid?.() === 0 ? { uid: 10_001, gid: 10_001 } : {}
  const own = { ...env, PORT: port, HOST: '127.0.0.1' }
  const server = await startProgram([executable, ...command], data, own, user)

  const [check = ''] = of('HEALTHCHECK')
  const [program, ...args] = JSON.parse(check.replace(/^.*CMD /, '')) as string[]
  expect(program).toBe('taskport')
  const health = () => runCommand(data, args, { env: own, command: [executable] })
  const healthy = async (): Promise<boolean> => (await health()).code === 0
  await eventually(healthy, 'The container does not become healthy.', 30_000)
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const headers = { authorization: `Bearer ${token}` }
  expect(await json(fetch(`${server.url}/api/tasks`, { headers }))).toEqual([])
  expect(await Bun.file(join(data, 'taskport.db')).exists()).toBe(true)
  server.signal('SIGTERM')
  expect(await within(server.exited, 'The server should end on SIGTERM.', 20_000)).toBe(0)
  expect((await health()).code).toBe(1)
})
