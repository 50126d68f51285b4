import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { type RunningServer, serve } from '../../src/adapters/http/serve.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { openBrowser } from '../support/browser.ts'
import { json, openHttp } from '../support/http.ts'

setDefaultTimeout(60_000)

const http = openHttp(memoryStorage().tasks)
let server: RunningServer
let browser: Browser

beforeAll(async () => {
  server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

test.each(['/docs', '/docs/'])('%s works in a browser without other servers', async (path) => {
  const page = await browser.newPage()
  const complaints: string[] = []
  const elsewhere: string[] = []
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!/^(data:|blob:)/.test(request.url()) && !request.url().startsWith(`${server.url}/`)) {
      elsewhere.push(request.url())
    }
  })

  await page.goto(`${server.url}${path}`)
  await page.locator('.auth-wrapper .authorize').click()
  expect(await page.locator('.session').count()).toBe(0)
  await page.getByLabel('auth-bearer-value').first().fill('visitor')
  const apply = page.locator('.modal-ux').getByRole('button', { name: 'Apply credentials' })
  await apply.first().click()
  await page.locator('.modal-ux .btn-done').first().click()

  const operation = page.locator('#operations-tasks-createTask')
  await operation.locator('.opblock-summary-control').click()
  await operation.locator('textarea').fill(`{"title":"made at ${path}"}`)
  await operation.locator('.execute').click()
  const status = operation.locator('.live-responses-table .response-col_status').last()
  await status.waitFor()
  expect(await status.textContent()).toContain('201')

  expect(await json(http.call('GET', '/api/tasks?limit=1', { as: 'visitor' }))).toMatchObject([
    { title: `made at ${path}` },
  ])
  expect(complaints).toEqual([])
  expect(elsewhere).toEqual([])
  await page.close()
})

test('the content security policy allows only own files', async () => {
  const response = await http.call('GET', '/docs', { as: null })
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(policy.replace(/'sha256-[\w+/]{43}='/, 'HASH').split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'self' HASH",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
  expect(await response.text()).not.toMatch(/(src|href)="(https?:)?\/\//)
})

test('a trailing slash makes no difference, and HEAD returns the same as GET', async () => {
  const page = await (await http.call('GET', '/docs', { as: null })).text()
  expect(await (await http.call('GET', '/docs/', { as: null })).text()).toBe(page)
  for (const path of ['/docs', '/docs/', '/docs/json', '/docs/assets/swagger-ui.css']) {
    const get = await http.call('GET', path, { as: null })
    const head = await http.call('HEAD', path, { as: null })
    expect([path, head.status, await head.text()]).toEqual([path, 200, ''])
    expect(head.headers.get('content-length')).toBe(String((await get.bytes()).byteLength))
    for (const name of ['content-type', 'content-security-policy', 'cache-control'])
      expect(head.headers.get(name)).toBe(get.headers.get(name))
  }
})

test('only listed assets are served', async () => {
  for (const [file, type] of [
    ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['swagger-ui.css', 'text/css; charset=utf-8'],
    ['favicon-32x32.png', 'image/png'],
    ['page.js', 'text/javascript; charset=utf-8'],
    ['page.css', 'text/css; charset=utf-8'],
  ] as const) {
    const response = await http.call('GET', `/docs/assets/${file}`, { as: null })
    expect([file, response.status]).toEqual([file, 200])
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('cache-control')).toContain('max-age=')
    expect((await response.bytes()).byteLength).toBeGreaterThan(100)
  }
  for (const file of ['package.json', '..%2fpackage.json', 'index.html', 'toString', 'x']) {
    expect((await http.call('GET', `/docs/assets/${file}`, { as: null })).status).toBe(404)
  }
})
