import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { decodeJwt } from 'jose'
import { openBrowser } from './support/browser.ts'
import { readEvents } from './support/events.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { enter, killServers, PASSWORD, startServer } from './support/server.ts'
import { within } from './support/wait.ts'

setDefaultTimeout(60_000)
afterEach(killServers)

const open = (env: Record<string, string> = {}) =>
  startServer(temporaryFolder(), { DATABASE_URL: 'memory:', ...env })

const ADA = { name: 'Ada', email: 'ada@example.com', password: PASSWORD }

const post = (url: string, path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/api/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const cookieLine = (response: Response): string =>
  response.headers.getSetCookie().find((line) => line.includes('session_token=')) ?? ''

describe('PUBLIC_URL', () => {
  const PUBLIC_URL = 'https://tasks.example.com'

  test('with https, cookies are secure and tokens carry it as their issuer', async () => {
    const { url } = await open({ PUBLIC_URL })
    const response = await post(url, '/sign-up/email', ADA, { origin: PUBLIC_URL })
    expect(response.status).toBe(200)
    expect(cookieLine(response)).toMatch(/^__Secure-.*; HttpOnly; Secure; SameSite=Lax$/)
    const { token } = await enter(url, 'sign-in', ADA.email)
    expect(decodeJwt(token)).toMatchObject({ iss: PUBLIC_URL, aud: 'taskport' })
    const tasks = await fetch(`${url}/api/tasks`, { headers: { authorization: `Bearer ${token}` } })
    expect(tasks.status).toBe(200)
  })

  test('with http they are not', async () => {
    const { url } = await open({ PUBLIC_URL: 'http://tasks.example.com' })
    expect(cookieLine(await post(url, '/sign-up/email', ADA))).not.toContain('Secure')
  })

  test('AUTH_ISSUER goes on as both where it is alone, and as the issuer beside it', async () => {
    const AUTH_ISSUER = 'https://id.example.com'
    for (const env of [{ AUTH_ISSUER }, { AUTH_ISSUER, PUBLIC_URL }]) {
      const { url } = await open(env)
      const origin = Object.values(env).at(-1) ?? ''
      const response = await post(url, '/sign-up/email', ADA, { origin })
      expect([response.status, cookieLine(response)]).toEqual([
        200,
        expect.stringContaining('; Secure; SameSite=Lax'),
      ])
      const { token } = await enter(url, 'sign-in', ADA.email)
      expect(decodeJwt(token).iss).toBe(AUTH_ISSUER)
      killServers()
    }
  })

  test('is printed at the start, else localhost', async () => {
    for (const [env, expected] of [
      [{ PUBLIC_URL }, () => PUBLIC_URL],
      [{}, (port: string) => `http://localhost:${port}`],
      [{ HOST: '0.0.0.0' }, (port: string) => `http://localhost:${port}`],
      [{ HOST: '::1' }, (port: string) => `http://localhost:${port}`],
    ] as const) {
      const server = await open(env)
      const printed = expected(new URL(server.url).port)
      server.signal('SIGTERM')
      await server.exited
      expect(server.stderr()).toContain(`Taskport listens on ${printed} `)
      expect(server.stderr()).toContain(`curl -s ${printed}/api/tasks`)
    }
  })
})

describe('origins', () => {
  test('of other sites have cookies across sites, and sign-out removes them', async () => {
    const PUBLIC_URL = 'https://api.example.com'
    const origin = 'https://app.example.org'
    const { url } = await open({ PUBLIC_URL, CORS_ORIGINS: origin })
    const signedUp = await post(url, '/sign-up/email', ADA, { origin })
    expect(signedUp.headers.get('access-control-allow-credentials')).toBe('true')
    const line = cookieLine(signedUp)
    expect(line).toContain('; Secure; SameSite=None; Partitioned')
    const cookie = line.split(';')[0] ?? ''
    const signedOut = await post(url, '/sign-out', {}, { origin, cookie })
    expect(cookieLine(signedOut)).toMatch(/Max-Age=0.*SameSite=None; Partitioned/)
  })

  test.each(['capacitor://localhost', 'tauri://localhost', 'myapp://'])(
    'an app: %s',
    async (origin) => {
      const { url, lines } = await open({ CORS_ORIGINS: origin, PUBLIC_URL: 'https://x.example' })
      const response = await post(url, '/sign-up/email', ADA, { origin })
      expect(response.status).toBe(200)
      expect(response.headers.get('access-control-allow-origin')).toBe(origin)
      const cookie = cookieLine(response).split(';')[0] ?? ''
      expect((await post(url, '/sign-out', {}, { origin, cookie })).status).toBe(200)
      expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
        { msg: expect.stringContaining(`${origin} in CORS_ORIGINS is an app`) },
      ])
    },
  )

  test('that cookies cannot reach are named at the start, if sign-in is built in', async () => {
    const CORS_ORIGINS = 'https://app.example.com,http://localhost:5173'
    const env = { CORS_ORIGINS, PUBLIC_URL: 'http://localhost:8000' }
    const warnings = async (more: Record<string, string>) =>
      (await open({ ...env, ...more })).lines.filter(({ level }) => level === 'warn')
    expect(await warnings({})).toMatchObject([
      {
        msg: expect.stringMatching(/^https:\/\/app\.example\.com in CORS_ORIGINS is another site/),
      },
    ])
    expect(await warnings({ AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks' })).toEqual([])
  })

  test('that are not trusted are told both variables', async () => {
    const { url } = await open()
    const response = await post(url, '/sign-up/email', ADA, { origin: 'https://x.example.com' })
    expect(response.status).toBe(403)
    expect((await json(response)).detail).toBe(
      "This origin is not trusted. If it is the server's own, set PUBLIC_URL to it, else add it to CORS_ORIGINS.",
    )
  })
})

describe('without an Origin', () => {
  test('the fetch of Node signs up', async () => {
    const { url } = await open()
    const script = `
      const response = await fetch('${url}/api/auth/sign-up/email', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '${JSON.stringify(ADA)}',
      })
      console.log(response.status)`
    const child = Bun.spawn(['node', '--input-type=module', '-e', script], { stdout: 'pipe' })
    expect((await new Response(child.stdout).text()).trim()).toBe('200')
  })

  test('a page of another site does not, nor does a request with a cookie', async () => {
    const { url } = await open()
    const page = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
    expect((await post(url, '/sign-up/email', ADA, page)).status).toBe(403)
    const { cookie } = await enter(url, 'sign-up', ADA.email)
    expect((await post(url, '/sign-out', {}, { cookie, 'sec-fetch-mode': 'cors' })).status).toBe(
      403,
    )
  })
})

describe('the session cookie in /api/events', () => {
  const statusOf = async (url: string, headers: Record<string, string>): Promise<number> => {
    const abort = new AbortController()
    const { status } = await fetch(`${url}/api/events`, { headers, signal: abort.signal })
    abort.abort()
    return status
  }

  test('is accepted there alone, from trusted pages', async () => {
    const origin = 'http://localhost:5173'
    const { url } = await open({ CORS_ORIGINS: origin })
    const { cookie } = await enter(url, 'sign-up', ADA.email)
    const stream = await readEvents(`${url}/api/events`, { cookie })
    expect(await stream.next()).toMatchObject({ event: 'current', data: { revision: 0 } })
    stream.close()
    for (const [headers, status] of [
      [{ cookie, origin }, 200],
      [{ cookie, origin: url }, 200],
      [{ cookie, 'sec-fetch-site': 'same-origin' }, 200],
      [{ cookie, origin: 'https://evil.example.com' }, 401],
      [{ cookie, 'sec-fetch-site': 'cross-site' }, 401],
      [{ cookie, 'sec-fetch-site': 'same-site' }, 401],
      [{ cookie: 'better-auth.session_token=x.y' }, 401],
      [{ cookie, authorization: 'Bearer x' }, 401],
      [{}, 401],
    ] as const) {
      expect([headers, await statusOf(url, headers)]).toEqual([headers, status])
    }
    expect((await fetch(`${url}/api/changes`, { headers: { cookie } })).status).toBe(401)
  })

  test('opens an EventSource on a page of the same site', async () => {
    const page = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }),
    })
    const origin = `http://localhost:${page.port}`
    const server = await open({ CORS_ORIGINS: origin })
    const url = server.url.replace('127.0.0.1', 'localhost')
    const browser = await openBrowser()
    try {
      const tab = await browser.newPage()
      await tab.goto(origin)
      const use = async ({ url, body }: { url: string; body: string }): Promise<string> => {
        const headers = { 'content-type': 'application/json' }
        const init = { credentials: 'include', headers } as const
        await fetch(`${url}/api/auth/sign-up/email`, { ...init, method: 'POST', body })
        const { token } = (await (await fetch(`${url}/api/auth/token`, init)).json()) as {
          token: string
        }
        const { EventSource } = globalThis as unknown as {
          EventSource: new (...a: unknown[]) => Source
        }
        const source = new EventSource(`${url}/api/events`, { withCredentials: true })
        const title = new Promise<string>((resolve, reject) => {
          source.onmessage = ({ data }) => resolve(JSON.parse(data).task.title)
          source.onerror = () => reject(new Error('The stream failed.'))
        })
        await fetch(`${url}/api/tasks`, {
          method: 'POST',
          headers: { ...headers, authorization: `Bearer ${token}` },
          body: '{"title":"live"}',
        })
        return title
      }
      const title = tab.evaluate(use, { url, body: JSON.stringify(ADA) })
      expect(await within(title, 'The event should come.', 20_000)).toBe('live')
    } finally {
      await browser.close()
      await page.stop(true)
    }
  })
})

type Source = {
  onmessage: (event: { data: string }) => void
  onerror: () => void
}
