import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { selfSigned } from '../support/certificate.ts'
import { temporaryFolder } from '../support/folder.ts'
import { freePort } from '../support/free-port.ts'
import { enter, killServers, PASSWORD, startServer } from '../support/server.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(120_000)

const RECIPES = join(import.meta.dir, '../../examples/deploy')
const NAME = 'tasks.example.com'

const children = new Set<Bun.Subprocess>()
afterAll(() => {
  for (const child of children) child.kill('SIGTERM')
  killServers()
})

type Ports = Readonly<{ http: number; https: number; upstream: number }>
type Place = Ports & Readonly<{ folder: string; certificate: string; key: string }>

const installed = (name: string): string => {
  const path = Bun.which(name) ?? Bun.which(name, { PATH: '/usr/sbin' })
  if (path) return path
  throw new Error(`${name} is needed: apt-get install ${name === 'nginx' ? 'nginx-light' : name}`)
}

const nginx = async ({ folder, certificate, key, http, https, upstream }: Place) => {
  const recipe = (await Bun.file(join(RECIPES, 'nginx.conf')).text())
    .replace('127.0.0.1:8000', `127.0.0.1:${upstream}`)
    .replace('listen 80;', `listen 127.0.0.1:${http};`)
    .replace('listen 443 ssl', `listen 127.0.0.1:${https} ssl`)
    .replace(/ssl_certificate .*;/, `ssl_certificate ${certificate};`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${key};`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join('\n')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log stderr; events {}\nhttp { access_log off; ${temporary}\n${recipe}\n}\n`,
  )
  return [installed('nginx'), '-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')]
}

const caddy = async ({ folder, certificate, key, http, https, upstream }: Place) => {
  const recipe = (await Bun.file(join(RECIPES, 'Caddyfile')).text())
    .replace('127.0.0.1:8000', `127.0.0.1:${upstream}`)
    .replace(`${NAME} {`, `${NAME} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`)
  const options = `{\n\tadmin off\n\thttp_port ${http}\n\thttps_port ${https}\n}\n`
  writeFileSync(join(folder, 'Caddyfile'), options + recipe)
  return [
    installed('caddy'),
    'run',
    '--adapter',
    'caddyfile',
    '--config',
    join(folder, 'Caddyfile'),
  ]
}

/** `curl` as a client at 127.0.0.2 that finds the name here. */
const curlWith =
  ({ http, https, certificate, folder }: Place) =>
  (...args: string[]): Bun.Subprocess<'ignore', 'pipe', 'pipe'> =>
    Bun.spawn(
      [
        ...['curl', '-sS', '--interface', '127.0.0.2', '--cacert', certificate],
        ...['--connect-to', `${NAME}:443:127.0.0.1:${https}`],
        ...['--connect-to', `${NAME}:80:127.0.0.1:${http}`, '-b', join(folder, 'cookies')],
        ...['-c', join(folder, 'cookies'), ...args],
      ],
      { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    )

test.each([
  ['nginx', nginx],
  ['caddy', caddy],
] as const)('%s: TLS, client addresses, cookies and event streams', async (_, commandOf) => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'home'))
  const { key, cert } = await selfSigned(NAME)
  writeFileSync(join(folder, 'key.pem'), key)
  writeFileSync(join(folder, 'cert.pem'), cert)
  const server = await startServer(folder, {
    TRUST_PROXY: 'X-Forwarded-For',
    PUBLIC_URL: `https://${NAME}`,
  })
  const place: Place = {
    folder,
    certificate: join(folder, 'cert.pem'),
    key: join(folder, 'key.pem'),
    http: freePort(),
    https: freePort(),
    upstream: Number(new URL(server.url).port),
  }
  const proxy = Bun.spawn(await commandOf(place), {
    env: { PATH: process.env['PATH'] ?? '', HOME: join(folder, 'home') },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  children.add(proxy)
  const spawnCurl = curlWith(place)
  const curl = async (...args: string[]): Promise<string> => {
    const child = spawnCurl(...args)
    const [text, errors] = await within(
      Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]),
      `curl ${args.join(' ')} did not end.`,
      30_000,
    )
    if (errors) throw new Error(errors)
    return text
  }
  const url = `https://${NAME}`
  const json = ['-H', 'Content-Type: application/json']
  await eventually(() => curl(`${url}/health`), 'The proxy does not answer.', 30_000)

  const moved = await curl(
    '-o',
    '/dev/null',
    '-w',
    '%{http_code} %{redirect_url}',
    `http://${NAME}/docs`,
  )
  expect(moved).toMatch(new RegExp(`^30[18] https://${NAME}/docs$`))

  await enter(server.url, 'sign-up', 'bob@example.com')
  const wrong = JSON.stringify({ email: 'bob@example.com', password: 'not the password' })
  const forged = ['-H', 'X-Forwarded-For: 192.0.2.1']
  await curl(`${url}/api/auth/sign-in/email`, ...json, ...forged, '-d', wrong)
  expect(await server.logged('wrong password')).toMatchObject({ peer: '127.0.0.2' })

  const ada = JSON.stringify({ name: 'Ada', email: 'ada@example.com', password: PASSWORD })
  const signedUp = await curl(
    '-i',
    `${url}/api/auth/sign-up/email`,
    ...json,
    '-H',
    `Origin: ${url}`,
    '-d',
    ada,
  )
  expect(signedUp).toMatch(/^set-cookie: __Secure-[^\n]*; Secure/im)
  const { token } = JSON.parse(await curl(`${url}/api/auth/token`)) as { token: string }
  const bearer = ['-H', `Authorization: Bearer ${token}`]

  const stream = spawnCurl('-N', `${url}/api/events`, ...bearer)
  children.add(stream)
  let received = ''
  void (async () => {
    for await (const chunk of stream.stdout) received += new TextDecoder().decode(chunk)
  })()
  await eventually(() => received.includes('event: current'), 'The stream does not begin.')
  for (const title of ['first', 'second']) {
    await curl(`${url}/api/tasks`, ...bearer, ...json, '-d', JSON.stringify({ title }))
    await eventually(() => received.includes(`"${title}"`), `No event of the ${title} task came.`)
  }
  expect(stream.exitCode).toBe(null)

  const long = JSON.stringify({ title: 'a', description: 'x'.repeat(70_000) })
  writeFileSync(join(folder, 'long.json'), long)
  const refused = await curl(`${url}/api/tasks`, ...bearer, ...json, '-d', `@${folder}/long.json`)
  expect(JSON.parse(refused)).toMatchObject({ status: 413 })
  writeFileSync(join(folder, 'todo.txt'), `Buy ${'x'.repeat(196)}\n`.repeat(9000))
  const imported = await curl(
    `${url}/api/import?format=todo.txt&dry_run=true`,
    ...bearer,
    '--data-binary',
    `@${folder}/todo.txt`,
  )
  expect(JSON.parse(imported)).toMatchObject({ found: 9000 })
  stream.kill()
  proxy.kill('SIGTERM')
  await within(proxy.exited, 'The proxy did not end.')
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
