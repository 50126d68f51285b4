import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { openBrowser } from './support/browser.ts'
import { temporaryFolder } from './support/folder.ts'
import { freePort } from './support/free-port.ts'
import { enter, startServer } from './support/server.ts'
import { linkIn, type SmtpServer, startSmtp } from './support/smtp.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

let browser: Browser
let smtp: SmtpServer
beforeAll(async () => {
  ;[browser, smtp] = await Promise.all([openBrowser(), startSmtp()])
})
afterAll(() => Promise.all([browser.close(), smtp.close()]))

test('the links in mails are followed in a browser, on the page of the server', async () => {
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: 'memory:',
    PORT: `${freePort()}`,
    SMTP_URL: smtp.url,
    MAIL_FROM: 'tasks@example.com',
  })
  const warned = server.lines.some(({ msg }) => `${msg}`.startsWith('PUBLIC_URL is not set'))
  expect(warned).toBeTrue()
  const post = (path: string, body: object) =>
    fetch(`${server.url}/api/auth${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const email = 'ada@example.com'
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('pageerror', ({ message }) => void problems.push(message))
  const says = (text: RegExp) => page.getByRole('status').filter({ hasText: text }).waitFor()

  await enter(server.url, 'sign-up', email)
  const link = linkIn(await smtp.next(email))
  await page.goto(link)
  await says(/address is confirmed/)
  await page.goto(link.replace(/token=.{5}/, 'token=xxxxx'))
  await says(/not valid any more/)
  await enter(server.url, 'sign-in', email)

  await post('/request-password-reset', { email })
  await page.goto(linkIn(await smtp.next(email)))
  await says(/Choose a new password/)
  const set = async (password: string): Promise<void> => {
    await page.getByLabel('New password').fill(password)
    await page.getByRole('button').click()
  }
  await set('password1')
  await says(/most common/)
  await set('battery staple')
  await says(/password is changed/)
  await expect(enter(server.url, 'sign-in', email)).rejects.toThrow('401')
  expect((await post('/sign-in/email', { email, password: 'battery staple' })).status).toBe(200)

  await page.goto(`${server.url}/account?error=account_not_linked`)
  await says(/did not work \(account_not_linked\)/)
  await page.goto(`${server.url}/account?error=<img src=x onerror=alert(1)>`)
  await says(/<img src=x/)
  expect(problems).toEqual([])

  smtp.refuse(550, 1)
  await post('/request-password-reset', { email })
  await eventually(() => server.lines.some(({ msg }) => msg === 'mail not sent'), 'a log line')
  expect(JSON.stringify(server.lines)).not.toContain(email)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
