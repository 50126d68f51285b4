import type { Phase, World } from './world.ts'

export type Answer = Readonly<{ status: number; headers: Headers; body: unknown }>

type Call = Readonly<{
  /** What it is listed as. */
  name: string
  method: string
  path: string
  headers: Record<string, string>
  body?: unknown
}>

const RESPONSE_MS = 12_000
const RETRY_MS = 200
const SIGN_INS = 3
export const PASSWORD = 'correct horse battery'

/** One attempt. Undefined when its outcome is unknown, or it has to be sent again later. */
const attempt = async (world: World, call: Call): Promise<Answer | undefined> => {
  const { report, phase, over } = world
  const { name, method, path, body } = call
  const began = performance.now()
  const before: Phase = phase.now
  const isCalm = (): boolean => before === 'calm' && phase.now === 'calm'
  const fail = (rule: string, detail: unknown): void => {
    if (!over.aborted) report.violate(rule, `${method} ${path}: ${detail}`)
  }
  report.count('requests')
  try {
    const response = await fetch(world.url + path, {
      method,
      headers: {
        ...call.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([over, AbortSignal.timeout(RESPONSE_MS)]),
    })
    const { status, headers } = response
    const text = await response.text()
    const passing = status === 503 || status === 429
    if (passing && !headers.has('retry-after')) fail(`${status} without Retry-After`, text)
    if (passing && isCalm()) fail(`${status} in a quiet phase`, text)
    if (status >= 500 && !passing) fail(`status ${status}`, text)
    if (status >= 500 || passing) return undefined
    if (isCalm()) report.latency(name, performance.now() - began)
    const isJson = headers.get('content-type')?.includes('json')
    return { status, headers, body: text && isJson ? JSON.parse(text) : text }
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') fail('no response', `in ${RESPONSE_MS} ms`)
    else if (isCalm()) fail('connection failed in a quiet phase', error)
    return undefined
  }
}

export type Session = ReturnType<typeof createSession>

/** An account with its cookie and token; each of its sign-ins comes from another address. */
export const createSession = (world: World, email: string) => {
  const { random, report, over, url } = world
  let cookie = ''
  let token = ''
  let userId = ''

  /** Repeats until there is an outcome. Throws when the run is over. */
  const settle = async (call: Call): Promise<Answer> => {
    for (;;) {
      over.throwIfAborted()
      const answer = await attempt(world, call)
      if (answer) return answer
      report.repeats()
      await Bun.sleep(RETRY_MS)
    }
  }

  const account = (name: string, path: string, body?: object, own = cookie): Promise<Answer> => {
    const peer = `10.${[0, 0, 0].map(() => random.below(256)).join('.')}`
    const headers = { 'x-peer': peer, origin: url, ...(own && { cookie: own }) }
    return settle({ name, method: body ? 'POST' : 'GET', path: `/api/auth/${path}`, headers, body })
  }

  const enter = async (way: 'sign-up' | 'sign-in'): Promise<Answer> => {
    const credentials = { email, password: PASSWORD, ...(way === 'sign-up' && { name: email }) }
    const answer = await account(way, `${way}/email`, credentials, '')
    if (answer.status !== 200) return answer
    const cookies = answer.headers.getSetCookie().map((line) => line.split(';')[0])
    cookie = cookies.join('; ')
    userId = (answer.body as { user: { id: string } }).user.id
    return answer
  }

  const refused = (what: string, { status, body }: Answer): void =>
    report.violate(`${what} refused`, `${email}: ${status} ${JSON.stringify(body)}`)

  const signIn = async (): Promise<void> => {
    const answer = await enter('sign-in')
    if (answer.status !== 200) refused('sign-in', answer)
  }

  const renew = async (): Promise<void> => {
    for (let n = 0; n < SIGN_INS; n++) {
      const answer = await account('token', 'token')
      token = answer.status === 200 ? (answer.body as { token: string }).token : ''
      if (token) return
      refused('token', answer)
      await signIn()
    }
    throw new Error(`${email} cannot sign in any more.`)
  }

  return {
    email,
    id: (): string => userId,
    token: (): string => token,
    signIn,
    renew,
    /** A repetition of a sign-up that arrived is refused; then the password works. */
    signUp: async (): Promise<void> => {
      const { status } = await enter('sign-up')
      if (status !== 200) await signIn()
      await renew()
    },
    remove: () => account('delete account', 'delete-user', { password: PASSWORD }),
    /** Sends it until there is an outcome; what writes carries an idempotency key. */
    request: async (
      name: string,
      method: string,
      path: string,
      body?: unknown,
      own?: Record<string, string>,
    ): Promise<Answer> => {
      const key = method === 'GET' ? {} : { 'idempotency-key': Bun.randomUUIDv7(), ...own }
      for (let refusals = 0; ; refusals++) {
        const headers = { ...key, authorization: `Bearer ${token}` }
        const answer = await settle({ name, method, path, headers, body })
        if (answer.status !== 401) return answer
        if (refusals > 0) refused('new token', answer)
        await renew()
      }
    },
  }
}
