import { cookieOf } from './accounts.ts'
import { PASSWORD } from './server.ts'

type Call = Readonly<{
  method?: string
  path: string
  body?: object
  headers?: Record<string, string>
  /** Whether a response of 2xx is right. */
  right?: (body: unknown, response: Response) => boolean
}>

/**
 * Users who sign up, in and out, get tokens and write tasks, without a pause. Each response is to be
 * right, or 503 with Retry-After, or 429; others are in `wrong`.
 */
export const accountTraffic = (url: string, { tasks = true, visitors = 3 } = {}) => {
  const wrong: string[] = []
  const accounts: { email: string; cookie: string }[] = []
  const count = { done: 0, refused: 0 }
  let people = 0
  let requests = 0
  let stopped = false

  /** Undefined for a refusal. */
  const call = async (call: Call): Promise<{ body: unknown; response: Response } | undefined> => {
    const { method = 'POST', path, body: sent, headers, right = () => true } = call
    const peer = `10.${requests >> 16}.${(requests >> 8) & 255}.${requests++ & 255}`
    let text = ''
    try {
      const response = await fetch(`${url}/api${path}`, {
        method,
        headers: {
          'x-peer': peer,
          origin: url,
          ...(sent && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(sent && { body: JSON.stringify(sent) }),
        signal: AbortSignal.timeout(30_000),
      })
      text = await response.text()
      const body: unknown = JSON.parse(text)
      if (response.ok && right(body, response)) {
        count.done++
        return { body, response }
      }
      const retryAfter = Number(response.headers.get('retry-after'))
      if (!((response.status === 503 || response.status === 429) && retryAfter > 0))
        wrong.push(`${method} ${path}: ${response.status} ${text}`)
    } catch (error) {
      wrong.push(`${method} ${path}: ${error} ${text}`)
    }
    count.refused++
    return undefined
  }

  /** Whether every response was a right one, none a refusal. */
  const visit = async (): Promise<boolean> => {
    const before = count.refused
    const email = `person-${people++}@example.com`
    const signUp = { name: 'Ada', email, password: PASSWORD }
    const signedUp = await call({ path: '/auth/sign-up/email', body: signUp })
    if (signedUp) accounts.push({ email, cookie: cookieOf(signedUp.response) })
    await call({ method: 'GET', path: '/auth/jwks', right: hasKeys })
    const known = accounts[people % accounts.length]
    if (!known) return false

    const own = { method: 'GET', headers: { cookie: known.cookie } }
    await call({ ...own, path: '/auth/get-session', right: (body) => body !== null })
    const issued = await call({ ...own, path: '/auth/token' })
    if (tasks && issued) {
      const headers = { authorization: `Bearer ${(issued.body as { token: string }).token}` }
      await call({ path: '/tasks', body: { title: email }, headers })
      await call({ method: 'GET', path: '/tasks', headers })
    }
    const signedIn = await signIn(known.email)
    if (signedIn) {
      const headers = { cookie: cookieOf(signedIn.response) }
      await call({ path: '/auth/sign-out', headers })
    }
    return count.refused === before
  }

  const signIn = (email: string) =>
    call({ path: '/auth/sign-in/email', body: { email, password: PASSWORD } })

  const running = Array.from({ length: visitors }, async () => {
    while (!stopped) await visit()
  })

  return {
    wrong,
    accounts,
    count,
    visit,
    signIn,
    stop: async (): Promise<void> => {
      stopped = true
      await Promise.all(running)
    },
  }
}

const hasKeys = (body: unknown): boolean => (body as { keys?: unknown[] }).keys?.length === 1
