import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import packageFile from '../../package.json'
import { temporaryFolder } from '../support/folder.ts'
import { json } from '../support/http.ts'
import { enter, killServers, startProgram } from '../support/server.ts'
import { unprivilegedUser } from '../support/unprivileged-user.ts'
import { within } from '../support/wait.ts'

setDefaultTimeout(120_000)

afterAll(killServers)

const ROOT = join(import.meta.dir, '../..')

/** A copy of the code whose user may not write to it, and the folder where that user works. */
const readOnlyCode = () => {
  const [code, home] = [temporaryFolder(), temporaryFolder()]
  for (const name of ['bun.lock', 'package.json', 'scripts', 'src']) {
    cpSync(join(ROOT, name), join(code, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(code, 'node_modules'))
  Bun.spawnSync(['chmod', '-R', 'a+rX,a-w', code])
  chmodSync(home, 0o777)
  return { code, home }
}

test('bun run up works where the code cannot be written', async () => {
  const { code, home } = readOnlyCode()
  const env = { HOME: home, DATABASE_URL: `sqlite:${home}/data/taskport.db` }
  const command = [process.execPath, 'run', '--cwd', code, 'up']
  const server = await startProgram(command, home, env, unprivilegedUser())
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const headers = { authorization: `Bearer ${token}` }
  expect(await json(fetch(`${server.url}/api/tasks`, { headers }))).toEqual([])
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
  Bun.spawnSync(['chmod', '-R', 'u+w', code])
})

test('without packages, and where none can be installed, it says what to do', async () => {
  const code = temporaryFolder()
  for (const name of ['package.json', 'scripts', 'src']) {
    cpSync(join(ROOT, name), join(code, name), { recursive: true })
  }
  Bun.spawnSync(['chmod', '-R', 'a+rX,a-w', code])
  const child = Bun.spawn([process.execPath, join(code, 'scripts/install.ts')], {
    ...unprivilegedUser(),
    cwd: code,
    env: { PATH: process.env['PATH'] ?? '' },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  expect(await within(child.exited, 'It did not end.', 30_000)).toBe(1)
  expect(await new Response(child.stderr).text()).toMatch(/has no packages\. Run bun install/)
  Bun.spawnSync(['chmod', '-R', 'u+w', code])
})

test('the scripts run in the shell of Bun, which Windows uses', async () => {
  expect(Object.values(packageFile.scripts).join('\n')).not.toMatch(/\bexec\b|\$\(|\bsh\b/)
  const shell = [process.execPath, 'run', '--silent', '--shell=bun', '--cwd', ROOT]
  const help = Bun.spawnSync([...shell, 'taskport', '--help'])
  expect([help.exitCode, help.stdout.toString()]).toEqual([0, expect.stringContaining('serve')])
  const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const folder = temporaryFolder()
  const up = Bun.spawn([...shell, 'up'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(taken.port),
      DATABASE_URL: `sqlite:${folder}/taskport.db`,
    },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  expect(await within(up.exited, 'It did not end.', 60_000)).toBe(1)
  expect(await new Response(up.stderr).text()).toContain(`Port ${taken.port} on 127.0.0.1 is taken`)
  await taken.stop(true)
})
