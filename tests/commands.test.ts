import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { version } from '../package.json'
import { runCommand } from './support/command.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import { enter, killServers, PASSWORD, SHARED, startServer } from './support/server.ts'

setDefaultTimeout(120_000)

afterAll(killServers)

const SECRET = { AUTH_SECRET: 'a secret of the identity provider, 32 bytes' }

test('help is on stdout with code 0, for the command and for each subcommand', async () => {
  const folder = temporaryFolder()
  const help = await runCommand(folder, ['--help'])
  expect(help).toMatchObject({ code: 0, error: '' })
  for (const name of ['serve', 'health', 'migrate', 'backup', 'verify', 'user', 'token']) {
    expect(help.output).toMatch(new RegExp(`^  ${name} `, 'm'))
    const own = await runCommand(folder, [name, '--help'])
    expect([own.code, own.output]).toEqual([0, expect.stringContaining(`taskport ${name}`)])
  }
  expect(await runCommand(folder, ['--version'])).toEqual({
    code: 0,
    output: `${version}\n`,
    error: '',
  })
})

test.each([
  [['serv'], /unknown command 'serv' \(Did you mean serve\?\)/],
  [['user', 'creat'], /unknown command 'creat' \(Did you mean create\?\)/],
  [['serve', 'now'], /too many arguments for 'serve'/],
  [['verify'], /missing required argument 'backup'/],
  [['backup', '--kep', '3'], /unknown option '--kep' \(Did you mean --keep\?\)/],
  [['user', 'create'], /missing required argument 'email'/],
])('wrong arguments give one line and code 2: %j', async (args, message) => {
  const { code, output, error } = await runCommand(temporaryFolder(), args)
  expect([code, output]).toEqual([2, ''])
  expect(error).toMatch(message)
  expect(error).toMatch(/^[^\n]+ See taskport --help\.\n$/)
})

test.each([
  [['backup', '--keep', '0'], {}, /--keep must be a whole number/],
  [['backup', 'b'], {}, /data\/taskport\.db does not exist/],
  [['backup', 'b'], { DATABASE_URL: 'memory:' }, /nothing is stored/],
  [['backup', '/dev/null/b'], {}, /Cannot write to .dev.null.b: .*name another folder/],
  [['verify', '.'], {}, /is not a complete backup/],
  [['migrate'], { DATABASE_URL: 'memory:' }, /nothing to migrate/],
  [['migrate'], { PORT: 'x' }, /PORT must be a whole number/],
  [['user', 'list'], SHARED, /with the identity provider/],
  [['user', 'list'], { DATABASE_URL: 'memory:' }, /memory of the server only/],
])('what cannot be done gives a message and code 1: %j %j', async (args, env, message) => {
  const { code, output, error } = await runCommand(temporaryFolder(), args, { env })
  expect([code, output]).toEqual([1, ''])
  expect(error).toMatch(message)
})

test('migrate prepares a database without a server', async () => {
  const database = await freshDatabase()
  for (const env of [{}, { DATABASE_URL: database, ...SECRET }]) {
    const folder = temporaryFolder()
    for (let times = 0; times < 2; times++) {
      expect(await runCommand(folder, ['migrate'], { env })).toEqual({
        code: 0,
        output: 'The database is up to date.\n',
        error: '',
      })
    }
    expect(await runCommand(folder, ['user', 'list'], { env })).toMatchObject({
      code: 0,
      output: '',
    })
  }
  const closed = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', ...SECRET }
  const { code, error } = await runCommand(temporaryFolder(), ['migrate'], { env: closed })
  expect([code, error]).toEqual([1, expect.stringMatching(/ECONNREFUSED|connect/i)])
})

test.each(['sqlite', 'postgres'])('accounts are managed, %s', async (kind) => {
  const folder = temporaryFolder()
  const env = kind === 'sqlite' ? {} : { DATABASE_URL: await freshDatabase(), ...SECRET }
  const user = (...args: string[]) => runCommand(folder, ['user', ...args], { env })
  const server = await startServer(folder, env)

  const created = await user('create', 'ada@example.com', '--name', 'Ada\tL')
  expect(created).toMatchObject({ code: 0, error: '' })
  const password = created.output.trim()
  expect(password.length).toBeGreaterThanOrEqual(20)
  const signedIn = await fetch(`${server.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', password }),
  })
  expect(signedIn.status).toBe(200)

  expect((await user('create', 'ADA@example.com')).error).toMatch(/An account with this .* exists/)
  expect((await user('create', 'ada')).error).toBe('email must be an email address.\n')
  const given = { env, input: `${PASSWORD}\n` }
  const bob = ['user', 'create', 'bob@example.com', '--password-stdin']
  expect((await runCommand(folder, bob, given)).output).toBe('Created bob@example.com.\n')
  expect(
    (
      await runCommand(folder, [...bob.slice(0, 2), 'c@example.com', bob[3] ?? ''], {
        env,
        input: 'password1',
      })
    ).error,
  ).toMatch(/password is one of the most common/)
  const { token, userId } = await enter(server.url, 'sign-in', 'bob@example.com')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const task = { method: 'POST', headers, body: '{"title":"a"}' }
  expect((await fetch(`${server.url}/api/tasks`, task)).status).toBe(201)

  const lines = (await user('list')).output.split('\n').map((line) => line.split('\t'))
  expect(lines.map(([email, name]) => [email, name])).toEqual([
    ['ada@example.com', 'Ada L'],
    ['bob@example.com', 'bob'],
    ['', undefined],
  ])
  expect(lines[1]?.[2]).toBe(userId)
  expect(Date.parse(lines[1]?.[3] ?? '')).toBeGreaterThan(Date.now() - 120_000)

  expect(await user('delete', 'bob@example.com')).toMatchObject({
    code: 1,
    error: expect.stringContaining('--yes'),
  })
  expect((await user('delete', 'eve@example.com', '--yes')).error).toMatch(/No account has this/)
  if (kind === 'sqlite') {
    const refused = await user('delete', 'bob@example.com', '--yes')
    expect([refused.code, refused.error]).toEqual([1, expect.stringMatching(/Stop that one/)])
    expect((await user('list')).output).toContain('bob@example.com')
    server.signal('SIGTERM')
    expect(await server.exited).toBe(0)
  }
  expect((await user('delete', 'bob@example.com', '--yes')).output).toBe(
    'Deleted bob@example.com and all its tasks.\n',
  )
  const after = kind === 'sqlite' ? await startServer(folder, env) : server
  expect(await json(fetch(`${after.url}/api/tasks`, { headers }))).toEqual([])
  expect((await fetch(`${after.url}/api/tasks`, task)).status).toBe(401)
  expect((await user('list')).output).not.toContain('bob@example.com')
  after.signal('SIGTERM')
  expect(await after.exited).toBe(0)
})
