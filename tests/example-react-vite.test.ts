import { afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import type { Page } from 'playwright-core'
import { taskport } from '../client/index.ts'
import { openBrowser } from './support/browser.ts'
import { publicKeyHash, selfSigned } from './support/certificate.ts'
import { temporaryFolder } from './support/folder.ts'
import { freePort } from './support/free-port.ts'
import { enter, killServers, PASSWORD, startServer } from './support/server.ts'
import { within } from './support/wait.ts'

setDefaultTimeout(180_000)

const ROOT = join(import.meta.dir, '..')
const folder = temporaryFolder()
const example = join(folder, 'examples/react-vite')
const PLACEHOLDER = 'https://taskport.invalid'

const run = async (...command: string[]): Promise<void> => {
  const child = Bun.spawn([process.execPath, ...command], {
    cwd: example,
    env: { ...process.env, NODE_ENV: '', VITE_TASKPORT_URL: PLACEHOLDER },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  const expected = `${command.join(' ')} should end.`
  const code = await within(child.exited, expected, 120_000).finally(() => child.kill())
  if (code !== 0) throw new Error((await output).join('\n'))
}

beforeAll(async () => {
  cpSync(join(ROOT, 'examples/react-vite'), example, {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)$/.test(path),
  })
  await run(join(ROOT, 'scripts/build-client.ts'), join(folder, 'dist'))
  await run('install', '--frozen-lockfile')
  await run('run', 'build')
}, 180_000)

const stops: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
  killServers()
})

type Tls = Readonly<{ key: string; cert: string }>

/** Serves the built pages, for a server at `url`. */
const servePages = (url: string, tls?: Tls): number => {
  const pages = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    ...(tls && { tls }),
    fetch: async ({ url: address }) => {
      const { pathname } = new URL(address)
      const file = Bun.file(join(example, 'dist', pathname === '/' ? 'index.html' : pathname))
      if (!(await file.exists())) return new Response(null, { status: 404 })
      const text = (await file.text()).replaceAll(PLACEHOLDER, url)
      return new Response(text, { headers: { 'content-type': file.type } })
    },
  })
  stops.push(() => pages.stop(true))
  return pages.port ?? 0
}

/** Ends TLS at `port`, as the proxy of a deployment does. */
const terminateTls = async (tls: Tls, port: number, target: number): Promise<void> => {
  const proxy: Server = createServer(tls, (socket) => {
    const upstream = createConnection(target, '127.0.0.1')
    socket.pipe(upstream).pipe(socket)
    socket.on('error', () => upstream.destroy())
    upstream.on('error', () => socket.destroy())
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  proxy.listen(port, '127.0.0.1', resolve)
  await within(promise, 'The TLS proxy should listen.')
  stops.push(() => proxy.close())
}

/** Signs up, adds, sees what another device does, renews a refused token, signs out and in again. */
const use = async (page: Page, url: string): Promise<void> => {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  let issued = 0
  page.on('response', (response) => {
    if (response.url().endsWith('/api/auth/token')) issued++
  })
  await page.getByPlaceholder('Name').fill('Ada')
  await page.getByPlaceholder('Email').fill('ada@example.com')
  await page.getByPlaceholder('Password').fill('password')
  await page.getByRole('button', { name: 'Sign up' }).click()
  await page.getByRole('alert').getByText('one of the most common ones').waitFor()
  await page.getByPlaceholder('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign up' }).click()
  await page.getByRole('heading', { name: 'Tasks of Ada' }).waitFor()
  await page.getByRole('status').getByText('live').waitFor()

  await page.getByPlaceholder('Title').fill('Buy milk')
  await page.locator('input[name=due]').fill('2026-12-24T09:00')
  await page.getByRole('button', { name: 'Add' }).click()
  const milk = page.getByRole('checkbox', { name: 'Buy milk' })
  await milk.waitFor()

  const { token } = await enter(url, 'sign-in', 'ada@example.com')
  const device = taskport({ url, token: () => token })
  const [task] = await device.list()
  const due = await page.evaluate(() => new Date('2026-12-24T09:00').toISOString())
  expect(task).toMatchObject({ title: 'Buy milk', due_date: due })
  await device.create({ title: 'of the other device', due_date: '2026-12-24' })
  const day = await page.evaluate(() => new Date(2026, 11, 24).toLocaleDateString())
  await page.getByText(`of the other device ${day}`).waitFor()
  await device.complete(task?.id ?? '')
  await page.getByRole('checkbox', { name: 'Buy milk', checked: true }).waitFor()

  expect(issued).toBeGreaterThan(0)
  const before = issued
  let refused = 0
  await page.route('**/api/tasks', async (route) => {
    if (route.request().method() !== 'POST' || refused++ > 0) return route.fallback()
    const headers = { ...route.request().headers(), authorization: 'Bearer expired' }
    return route.continue({ headers })
  })
  await page.getByPlaceholder('Title').fill('after the renewal')
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('checkbox', { name: 'after the renewal' }).waitFor()
  expect([refused, issued]).toEqual([2, before + 1])

  await page.reload()
  await page.getByRole('checkbox', { name: 'after the renewal' }).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign up' }).waitFor()
  await page.getByRole('button', { name: 'I have an account' }).click()
  await page.getByPlaceholder('Email').fill('ada@example.com')
  await page.getByPlaceholder('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('checkbox', { name: 'Buy milk', checked: true }).waitFor()
  expect(complaints).toEqual([])
}

test('on another port of localhost', async () => {
  const port = freePort()
  const url = `http://localhost:${port}`
  const origin = `http://localhost:${servePages(url)}`
  await startServer(temporaryFolder(), {
    PORT: String(port),
    DATABASE_URL: 'memory:',
    CORS_ORIGINS: origin,
  })
  const browser = await openBrowser()
  stops.push(() => browser.close())
  const page = await browser.newPage({ timezoneId: 'America/New_York' })
  page.setDefaultTimeout(30_000)
  await page.goto(origin)
  await use(page, url)
})

test('on another site, over https, in a browser that blocks third-party cookies', async () => {
  const tls = await selfSigned('api.example.com', 'app.example.org')
  const port = freePort()
  const url = `https://api.example.com:${port}`
  const origin = `https://app.example.org:${servePages(url, tls)}`
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: 'memory:',
    PUBLIC_URL: url,
    CORS_ORIGINS: origin,
  })
  await terminateTls(tls, port, Number(new URL(server.url).port))
  const names = ['api.example.com', 'app.example.org']
  const browser = await openBrowser({ names, keyHash: publicKeyHash(tls.cert) })
  stops.push(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(30_000)
  await page.goto(origin)
  await use(page, server.url)
  const cookies = await page.context().cookies()
  expect(cookies).toMatchObject([
    { domain: 'api.example.com', secure: true, sameSite: 'None', httpOnly: true },
  ])
  expect(cookies[0]?.partitionKey).toBe('https://example.org')
})
