import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { type RunningServer, serve } from '../../src/adapters/http/serve.ts'
import { memoryTaskStore } from '../../src/adapters/memory/task-store.ts'
import { openBrowser } from '../support/browser.ts'
import { json, openHttp } from '../support/http.ts'

setDefaultTimeout(60_000)

const http = openHttp(memoryTaskStore())
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

test.each(['/docs', '/docs/'])('%s works in a browser, from here alone', async (path) => {
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
  await page.getByLabel('auth-bearer-value').fill('visitor')
  await page.locator('.modal-ux').getByRole('button', { name: 'Apply credentials' }).click()
  await page.locator('.modal-ux .btn-done').click()

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

test('the policy of the page lets nothing in but its own files', async () => {
  const response = await http.call('GET', '/docs', { as: null })
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toMatch(/unsafe|https?:|\*/)
  expect(await response.text()).not.toMatch(/(src|href)="(https?:)?\/\//)
})

test('the assets are a short list', async () => {
  for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']) {
    const response = await http.call('GET', `/docs/assets/${file}`, { as: null })
    expect(response.status).toBe(200)
    expect((await response.bytes()).byteLength).toBeGreaterThan(100)
  }
  for (const file of ['package.json', '..%2fpackage.json', 'index.html', 'toString', 'x']) {
    expect((await http.call('GET', `/docs/assets/${file}`, { as: null })).status).toBe(404)
  }
})
