import { PASSWORD } from './server.ts'

type Outcome = 'done' | 'refused'

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
export const accountTraffic = (url: string, { tasks = true, visitors = 4 } = {}) => {
  const wrong: string[] = []
  const acknowledged: string[] = []
  const count = { done: 0, refused: 0 }
  let people = 0
  let requests = 0
  let stopped = false

  const call = async (
    call: Call,
  ): Promise<{ outcome: Outcome; body: unknown; response?: Response }> => {
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
        return { outcome: 'done', body, response }
      }
      const retryAfter = Number(response.headers.get('retry-after'))
      if (!((response.status === 503 || response.status === 429) && retryAfter > 0))
        wrong.push(`${method} ${path}: ${response.status} ${text}`)
    } catch (error) {
      wrong.push(`${method} ${path}: ${error} ${text}`)
    }
    count.refused++
    return { outcome: 'refused', body: undefined }
  }

  /** Whether every response was a right one, none a refusal. */
  const visit = async (): Promise<boolean> => {
    const before = count.refused
    const email = `person-${people++}@example.com`
    const signUp = { name: 'Ada', email, password: PASSWORD }
    const signedUp = await call({ path: '/auth/sign-up/email', body: signUp })
    if (signedUp.outcome === 'done') acknowledged.push(email)
    await call({ method: 'GET', path: '/auth/jwks', right: (body) => hasKeys(body) })
    const known = acknowledged[people % acknowledged.length]
    if (known === undefined) return false
    const { response } = await signIn(known)
    if (!response) return false
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    const read = { method: 'GET', headers: { cookie } }
    await call({ ...read, path: '/auth/get-session', right: (body) => body !== null })
    const { body } = await call({ ...read, path: '/auth/token' })
    if (tasks && body) {
      const headers = { authorization: `Bearer ${(body as { token: string }).token}` }
      await call({ path: '/tasks', body: { title: email }, headers })
      await call({ method: 'GET', path: '/tasks', headers })
    }
    await call({ path: '/auth/sign-out', headers: { cookie } })
    return count.refused === before
  }

  const signIn = (email: string) =>
    call({ path: '/auth/sign-in/email', body: { email, password: PASSWORD } })

  const running = Array.from({ length: visitors }, async () => {
    while (!stopped) await visit()
  })

  return {
    wrong,
    acknowledged,
    count,
    visit,
    signIn,
    stop: async (): Promise<void> => {
      stopped = true
      await Promise.all(running)
    },
  }
}

const hasKeys = (body: unknown): boolean =>
  Array.isArray((body as { keys?: unknown[] }).keys) &&
  (body as { keys: unknown[] }).keys.length > 0
