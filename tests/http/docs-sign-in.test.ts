import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from '../support/browser.ts'
import { temporaryFolder } from '../support/folder.ts'
import { PASSWORD, type RunningProcess, startServer } from '../support/server.ts'

setDefaultTimeout(90_000)

let server: RunningProcess
let browser: Browser

beforeAll(async () => {
  server = await startServer(temporaryFolder())
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  server?.signal('SIGTERM')
  await server?.exited
})

type Options = Parameters<Browser['newPage']>[0]

const withPage = async (run: (page: Page) => Promise<void>, options?: Options): Promise<void> => {
  const page = await browser.newPage(options)
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(`${server.url}/docs`)
  await page.getByLabel('Email address', { exact: true }).waitFor()
  await run(page)
  const own = complaints.filter(
    (line) => !/the server responded with a status of 40[01]/.test(line),
  )
  expect(own).toEqual([])
  await page.close()
}

const fill = async (page: Page, fields: Record<string, string>): Promise<void> => {
  for (const [label, value] of Object.entries(fields)) {
    await page.locator('.session').getByLabel(label, { exact: true }).fill(value)
  }
}

const press = (page: Page, name: string): Promise<void> =>
  page.locator('.session').getByRole('button', { name, exact: true }).click()

const signUp = async (page: Page, email: string): Promise<void> => {
  await press(page, 'Sign up instead')
  await fill(page, { Name: 'Ada', 'Email address': email, Password: PASSWORD })
  await press(page, 'Sign up')
  await page.getByText(`Signed in as ${email}`).waitFor()
}

/** The status that an operation gets, with its example as it stands. */
const execute = async (page: Page, operation: string, body?: string): Promise<string | null> => {
  const block = page.locator(`#operations-${operation}`)
  if (!(await block.locator('.execute').isVisible())) {
    await block.locator('.opblock-summary-control').click()
  }
  if (body) await block.locator('textarea').fill(body)
  await block.locator('.execute').click()
  const status = block.locator('.live-responses-table .response-col_status').last()
  await status.waitFor()
  return ((await status.textContent()) ?? '').trim().slice(0, 3)
}

test('signing up in the page fills in the token, also after a reload', () =>
  withPage(async (page) => {
    await signUp(page, 'reload@example.com')
    expect(await execute(page, 'tasks-createTask')).toBe('201')
    await page.reload()
    await page.getByText('Signed in as reload@example.com').waitFor()
    expect(await execute(page, 'tasks-listTasks')).toBe('200')
  }))

test('the token is renewed before it expires', () =>
  withPage(async (page) => {
    await page.clock.install()
    await signUp(page, 'renewal@example.com')
    const renewal = page.waitForRequest('**/api/auth/token')
    await page.clock.fastForward('12:30')
    expect((await renewal).method()).toBe('GET')
  }))

test('signing out removes the token; a wrong password is explained', () =>
  withPage(async (page) => {
    await signUp(page, 'out@example.com')
    await press(page, 'Sign out')
    await page.getByLabel('Email address', { exact: true }).waitFor()
    expect(await execute(page, 'tasks-listTasks')).toBe('401')
    await fill(page, { 'Email address': 'out@example.com', Password: 'wrong horse' })
    await press(page, 'Sign in')
    await page.getByText('The email address or the password is wrong.').waitFor()
    await fill(page, { 'Email address': 'out@example.com', Password: PASSWORD })
    await press(page, 'Sign in')
    await page.getByText('Signed in as out@example.com').waitFor()
  }))

test('signing up with the operation fills in the token, too', () =>
  withPage(async (page) => {
    const account = { name: 'Ada', email: 'operation@example.com', password: PASSWORD }
    expect(await execute(page, 'accounts-signUp', JSON.stringify(account))).toBe('200')
    await page.getByText('Signed in as operation@example.com').waitFor()
    expect(await execute(page, 'tasks-createTask')).toBe('201')
  }))

test.each(['light', 'dark'] as const)(
  'it fits a narrow screen and follows the theme: %s',
  (colorScheme) =>
    withPage(
      async (page) => {
        await signUp(page, `${colorScheme}@example.com`)
        await execute(page, 'tasks-createTask')
        const [width, background] = await page.evaluate<[number, string]>(
          '[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]',
        )
        expect(width).toBe(390)
        expect(background).toBe(colorScheme === 'dark' ? 'rgb(28, 32, 34)' : 'rgb(255, 255, 255)')
      },
      { viewport: { width: 390, height: 844 }, colorScheme },
    ),
)
