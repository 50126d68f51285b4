import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mailer, type MailFailure, openMailer } from '../src/adapters/mail/index.ts'
import { cookieOf, openAccounts } from './support/accounts.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import { enter, PASSWORD, startServer } from './support/server.ts'
import { linkIn, type SmtpServer, startSmtp } from './support/smtp.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

const STORAGES = {
  SQLite: async () => ({ kind: 'sqlite', path: join(temporaryFolder(), 'auth.db') }) as const,
  PostgreSQL: async () => ({ kind: 'postgres', url: await freshDatabase() }) as const,
}

const ADA = 'ada@example.com'
const NEW = 'battery staple'
const FROM = 'Taskport <tasks@example.com>'

let smtp: SmtpServer
let mailer: Mailer
const failures: MailFailure[] = []

beforeAll(async () => {
  smtp = await startSmtp()
  const onFailure = (failure: MailFailure): void => void failures.push(failure)
  mailer = openMailer({ url: smtp.url, from: FROM, onFailure, onLoss: onFailure, pauses: [5, 5] })
})
afterAll(async () => {
  await mailer.close()
  await smtp.close()
})

const open = async (storage: () => Promise<Parameters<typeof openAccounts>[0]['storage']>) => {
  const accounts = await openAccounts({ storage: await storage(), sendMail: mailer.send })
  const post = (path: string, body: object, cookie?: string) =>
    accounts.call('POST', path, { body, ...(cookie && { cookie }) })
  const follow = (link: string) => accounts.call('GET', link)
  /** Signs up and opens the link in the mail. */
  const enterVerified = async (email: string): Promise<string> => {
    await accounts.signUp(email)
    expect((await follow(linkIn(await smtp.next(email)))).status).toBe(302)
    return cookieOf(await accounts.signIn(email))
  }
  return { ...accounts, post, follow, enterVerified }
}

const tokenIn = (link: string): string => new URL(link).searchParams.get('token') ?? ''

const shape = async (response: Response) => ({
  status: response.status,
  cookies: response.headers.getSetCookie(),
  body: Object.entries((await response.json()) as object).map(([name, value]) => [
    name,
    value !== null && typeof value === 'object' ? Object.keys(value).sort() : value,
  ]),
})

describe.each(Object.entries(STORAGES))('with mail, on %s', (name, storage) => {
  const at = (person: string): string => `${person}@${name.toLowerCase()}.example.com`

  test('an account can be used when its address is verified', async () => {
    const { signUp, signIn, follow, close } = await open(storage)
    const signedUp = await signUp(at('ada'))
    expect(signedUp.headers.getSetCookie()).toEqual([])
    const wrong = await signIn(at('unknown'))
    const early = await signIn(at('ada'))
    expect([early.status, wrong.status]).toEqual([401, 401])
    expect(await json(early)).toEqual(await json(wrong))

    const mail = await smtp.next(at('ada'))
    expect(mail.from).toBe('tasks@example.com')
    expect(mail.text).not.toContain('Ada')
    const link = linkIn(mail)
    const tampered = await follow(link.replace(/token=.{5}/, 'token=xxxxx'))
    expect(tampered.headers.get('location')).toMatch(
      /^\/account\?verified=true&error=INVALID_TOKEN/,
    )
    expect((await signIn(at('ada'))).status).toBe(401)
    const verified = await follow(link)
    expect([verified.status, verified.headers.get('location')]).toEqual([
      302,
      '/account?verified=true',
    ])
    expect((await signIn(at('ada'))).status).toBe(200)
    await close()
  })

  test('a sign-up with a known address gets the same response, and its owner a mail', async () => {
    const { signUp, signIn, post, enterVerified, close } = await open(storage)
    const email = at('known')
    await enterVerified(email)
    const [known, unknown] = [await signUp(email), await signUp(at('unknown'))]
    expect(await shape(known)).toEqual(await shape(unknown))
    const mail = await smtp.next(email)
    expect(mail.text).toContain('You have an account already')
    await smtp.next(at('unknown'))
    const body = { token: tokenIn(linkIn(mail)), newPassword: NEW }
    expect((await post('/reset-password', body)).status).toBe(200)
    expect((await signIn(email)).status).toBe(401)
    await close()
  })

  test('a forgotten password is replaced once; all sessions and other links end', async () => {
    const { call, signIn, post, enterVerified, close } = await open(storage)
    const email = at('forgetful')
    const cookie = await enterVerified(email)
    const unknown = await post('/request-password-reset', { email: at('nobody') })
    const first = await post('/request-password-reset', { email })
    expect(await shape(first)).toEqual(await shape(unknown))
    const redirectTo = 'http://localhost/set-password'
    await post('/request-password-reset', { email, redirectTo })
    const links = [linkIn(await smtp.next(email)), linkIn(await smtp.next(email))].sort()
    expect(links[0]).toMatch(/^http:\/\/localhost\/account\?token=[\w-]{24,}$/)
    expect(links[1]).toMatch(/^http:\/\/localhost\/set-password\?token=[\w-]{24,}$/)
    const [token = '', other = ''] = links.map(tokenIn)

    const reset = (body: object) => post('/reset-password', body)
    expect((await reset({ token: 'x', newPassword: NEW })).status).toBe(400)
    expect((await reset({ token, newPassword: 'password1' })).status).toBe(400)
    expect((await call('GET', '/token', { cookie })).status).toBe(200)
    expect(await json(reset({ token, newPassword: NEW }))).toEqual({ status: true })
    expect((await call('GET', '/token', { cookie })).status).toBe(401)
    expect((await signIn(email)).status).toBe(401)
    const entered = await post('/sign-in/email', { email, password: NEW })
    expect(entered.status).toBe(200)
    for (const used of [token, other]) {
      const again = await reset({ token: used, newPassword: PASSWORD })
      expect([again.status, (await again.json()) as object]).toMatchObject([
        400,
        { detail: 'The link is not valid or was used before. Request another one.' },
      ])
    }
    expect(smtp.mails.some(({ to }) => to === at('nobody'))).toBe(false)
    await close()
  })

  test('a new address is confirmed first, and the old one is told', async () => {
    const { call, signIn, post, follow, enterVerified, close } = await open(storage)
    const [old, fresh] = [at('old'), at('fresh')]
    const cookie = await enterVerified(old)
    await enterVerified(at('taken'))
    const change = (newEmail: string) =>
      post('/change-email', { newEmail, password: PASSWORD }, cookie)
    expect(await shape(await change(at('taken')))).toEqual(await shape(await change(fresh)))
    expect((await smtp.next(old)).text).toContain(fresh)
    expect((await signIn(fresh)).status).toBe(401)
    expect((await follow(linkIn(await smtp.next(fresh)))).status).toBe(302)
    expect((await signIn(fresh)).status).toBe(200)
    expect((await signIn(old)).status).toBe(401)
    const { user } = await json(call('GET', '/get-session', { cookie }))
    expect(user).toMatchObject({ email: fresh, emailVerified: true })
    await close()
  })

  test('another verification mail is sent, and each address gets a few an hour', async () => {
    const { signUp, post, close } = await open(storage)
    const email = at('again')
    await signUp(email)
    await smtp.next(email)
    const callbackURL = 'http://localhost/welcome'
    expect((await post('/send-verification-email', { email, callbackURL })).status).toBe(200)
    const link = new URL(linkIn(await smtp.next(email)))
    expect(link.searchParams.get('callbackURL')).toBe(callbackURL)
    const foreign = { email, callbackURL: 'https://evil.example.com/' }
    expect((await post('/send-verification-email', foreign)).status).toBe(403)
    const request = () => post('/request-password-reset', { email })
    expect([(await request()).status, (await request()).status]).toEqual([200, 200])
    const late = await request()
    expect([late.status, Number(late.headers.get('retry-after')) > 0]).toEqual([429, true])
    const unknown = { email: at('other') }
    expect((await post('/request-password-reset', unknown)).status).toBe(200)
    await close()
  })

  test('deleting an account removes the links to its password', async () => {
    const { post, users, enterVerified, close } = await open(storage)
    const email = at('gone')
    const cookie = await enterVerified(email)
    const link = await users.resetLink(email)
    expect((await post('/delete-user', { password: PASSWORD }, cookie)).status).toBe(200)
    const body = { token: tokenIn(link ?? ''), newPassword: NEW }
    expect((await post('/reset-password', body)).status).toBe(400)
    await close()
  })
})

test('mails are sent again after failures that may pass, and not after others', async () => {
  const mail = { to: 'retry@example.com', subject: 'Hello', text: 'Hello\n' }
  failures.length = 0
  smtp.refuse(451, 2)
  mailer.send(mail)
  expect((await smtp.next(mail.to)).text).toContain('Hello')
  expect(failures).toMatchObject([
    { attempt: 1, response: 451 },
    { attempt: 2, response: 451 },
  ])
  failures.length = 0
  smtp.refuse(451, 3)
  mailer.send(mail)
  await eventually(() => failures.length === 3, 'a mail that is given up')
  failures.length = 0
  smtp.refuse(550, 1)
  mailer.send(mail)
  await eventually(() => failures.length > 0, 'a refusal')
  mailer.send(mail)
  await smtp.next(mail.to)
  expect(failures).toMatchObject([{ attempt: 1, response: 550 }])
  expect(JSON.stringify(failures)).not.toContain('@')
})

test('without mail, an operator gets the link', async () => {
  const accounts = await openAccounts({ storage: { kind: 'memory' } })
  const post = (path: string, body: object) => accounts.call('POST', path, { body })
  const off = await json(post('/request-password-reset', { email: ADA }))
  expect(off).toMatchObject({ status: 400, detail: expect.stringMatching(/Ask its operator/) })
  await expect(accounts.users.resetLink(ADA)).rejects.toMatchObject({ kind: 'not-found' })
  await accounts.signUp(ADA)
  const link = (await accounts.users.resetLink('Ada@Example.com')) ?? ''
  expect(link).toMatch(/^http:\/\/localhost\/account\?token=[\w-]{32}$/)
  const reset = () => post('/reset-password', { token: tokenIn(link), newPassword: NEW })
  expect([(await reset()).status, (await reset()).status]).toEqual([200, 400])
  expect((await post('/sign-in/email', { email: ADA, password: NEW })).status).toBe(200)
  await accounts.close()
})

test.each([
  ['closed', undefined],
  ['open', () => {}],
] as const)(
  'an operator creates accounts that can be used, with sign-up %s',
  async (signUp, sendMail) => {
    const { users, signIn, close } = await openAccounts({
      storage: { kind: 'memory' },
      signUp,
      sendMail,
    })
    const bob = { name: 'Bob', email: 'Bob@Example.com', password: PASSWORD }
    expect(await users.create(bob)).toMatchObject({ name: 'Bob', email: 'bob@example.com' })
    await expect(users.create(bob)).rejects.toMatchObject({ kind: 'invalid' })
    expect((await signIn('bob@example.com')).status).toBe(200)
    expect(await users.list()).toMatchObject([{ name: 'Bob' }])
    await users.delete('bob@example.com')
    expect(await users.list()).toEqual([])
    expect((await signIn('bob@example.com')).status).toBe(401)
    await close()
  },
)

test('an operator gets links while the server writes to the same file', async () => {
  const folder = temporaryFolder()
  const server = await startServer(folder, { TRUST_PROXY: 'x-peer' })
  const operator = await openAccounts({
    storage: { kind: 'sqlite', path: join(folder, 'data/auth.db') },
    secret: readFileSync(join(folder, 'data/secret'), 'utf8').trim(),
  })
  await enter(server.url, 'sign-up', ADA)
  for (let n = 0; n < 4; n++) {
    const signUp = fetch(`${server.url}/api/auth/sign-up/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-peer': `192.0.2.${n}` },
      body: JSON.stringify({ name: 'x', email: `person-${n}@example.com`, password: PASSWORD }),
    })
    for (let link = 0; link < 5; link++) expect(await operator.users.resetLink(ADA)).toBeString()
    expect((await signUp).status).toBe(200)
  }
  await operator.close()

  const command = (email: string) =>
    Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, '../src/taskport.ts'),
        'user',
        'reset-password',
        email,
      ],
      { cwd: folder, env: { PATH: process.env['PATH'] ?? '' }, stdout: 'pipe', stderr: 'pipe' },
    )
  const printed = await new Response(command(ADA).stdout).text()
  expect(printed).toMatch(/^http:\/\/\S+\/account\?token=[\w-]{32}\n$/)
  const unknown = await new Response(command('nobody@example.com').stderr).text()
  expect(unknown).toBe('No account has this email address.\n')
  const reset = await fetch(`${server.url}/api/auth/reset-password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: tokenIn(printed.trim()), newPassword: NEW }),
  })
  expect(reset.status).toBe(200)
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})
