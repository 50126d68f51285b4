import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createAuthClient } from 'better-auth/client'
import { jwtClient } from 'better-auth/client/plugins'
import { decodeJwt, SignJWT } from 'jose'
import { betterAuthToken, TaskportError, taskport } from '../client/index.ts'
import { temporaryFolder } from './support/folder.ts'
import { killServers, PASSWORD, type RunningProcess, startServer } from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

const servers: Bun.Server<undefined>[] = []
afterEach(async () => {
  killServers()
  await Promise.all(servers.splice(0).map((server) => server.stop(true)))
})

/** The library's client with the cookies of a browser; `paths` are those it requested. */
const authClientOf = (url: string) => {
  const paths: string[] = []
  let cookie = ''
  const client = createAuthClient({
    baseURL: url,
    plugins: [jwtClient()],
    fetchOptions: {
      customFetchImpl: async (input, init) => {
        paths.push(new URL(`${input}`).pathname.replace('/api/auth', ''))
        const headers = new Headers(init?.headers)
        headers.set('origin', url)
        if (cookie) headers.set('cookie', cookie)
        const response = await fetch(input, { ...init, headers })
        const set = response.headers.getSetCookie().map((line) => line.split(';')[0])
        if (set.length > 0) cookie = set.join('; ')
        return response
      },
    },
  })
  let signals = 0
  client.$store.listen('$sessionSignal', () => signals++)
  /** The library reports a change of the session a moment after it. */
  const changed = async <Result>(change: Promise<Result>): Promise<Result> => {
    const before = signals
    const result = await change
    await eventually(() => signals > before, 'the signal of the session')
    return result
  }
  return { client, changed, fetched: () => paths.filter((path) => path === '/token').length }
}

const openServer = (): Promise<RunningProcess> =>
  startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })

const signUp = async ({ client, changed }: ReturnType<typeof authClientOf>, name: string) => {
  const email = `${name}@example.com`
  const { data } = await changed(client.signUp.email({ name, email, password: PASSWORD }))
  return data?.user.id
}

describe('with a server and the client of Better Auth', () => {
  test('one token is fetched for all requests, and another when it is refused', async () => {
    const { url } = await openServer()
    const auth = authClientOf(url)
    await signUp(auth, 'ada')
    const token = betterAuthToken(auth.client)
    const tasks = taskport({ url, token })
    const first = await token()
    await Promise.all(Array.from({ length: 5 }, () => tasks.list()))
    expect(auth.fetched()).toBe(1)
    const renewed = await Promise.all([token(first), token(first), token(first)])
    expect([new Set(renewed).size, auth.fetched()]).toEqual([1, 2])
    expect(await token('one of before')).toBe(renewed[0] as string)
    expect(auth.fetched()).toBe(2)
  })

  test('a sign-out ends it, and the next user gets a token of their own', async () => {
    const { url } = await openServer()
    const auth = authClientOf(url)
    const token = betterAuthToken(auth.client)
    const ada = await signUp(auth, 'ada')
    expect(decodeJwt((await token()) ?? '').sub).toBe(ada as string)
    await auth.changed(auth.client.signOut())
    expect(await token()).toBeUndefined()
    await expect(taskport({ url, token }).list()).rejects.toMatchObject({
      status: 401,
      message: 'There is no token to send. Sign in.',
    })
    const bob = await signUp(auth, 'bob')
    expect(decodeJwt((await token()) ?? '').sub).toBe(bob as string)
  })

  test('a server that is away is no sign-out', async () => {
    const server = await openServer()
    const auth = authClientOf(server.url)
    await signUp(auth, 'ada')
    server.signal('SIGKILL')
    await server.exited
    const error = await betterAuthToken(auth.client)().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
  })
})

describe('with an issuer of short-lived tokens', () => {
  /** Issues tokens of so many seconds by a clock that is an hour slow, and counts them. */
  const issuer = (seconds: number, status = 200, first = Promise.resolve()) => {
    let issued = 0
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async () => {
        const number = ++issued
        if (number === 1) await first
        const now = Math.floor(Date.now() / 1000) - 3600
        const token = await new SignJWT({ name: 'Zoë' })
          .setJti(`${number}`)
          .setProtectedHeader({ alg: 'HS256' })
          .setIssuedAt(now)
          .setExpirationTime(now + seconds)
          .sign(new Uint8Array(32))
        return Response.json(status === 200 ? { token } : { message: 'Too busy.' }, { status })
      },
    })
    servers.push(server)
    const token = betterAuthToken(authClientOf(server.url.origin).client)
    return { token, issued: () => issued }
  }

  test('a token is renewed before it expires, by its own lifetime', async () => {
    const { token, issued } = issuer(1)
    const first = await token()
    expect([await token(), issued()]).toEqual([first, 1])
    const next = await eventually(async () => {
      const now = await token()
      return now === first ? undefined : now
    }, 'a new token')
    expect([await token(), issued()]).toEqual([next, 2])
  })

  test('without a lifetime it is not kept', async () => {
    const { token, issued } = issuer(0)
    await token()
    await token()
    expect(issued()).toBe(2)
  })

  test('what was on its way when the user changed is not kept', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { token, issued } = issuer(900, 200, promise)
    const late = token()
    await eventually(() => issued() === 1, 'the first request')
    token.forget()
    const current = await token()
    resolve()
    expect(await late).not.toBe(current as string)
    expect([await token(), issued()]).toEqual([current, 2])
  })

  test('a failure of the server is thrown, with its status and message', async () => {
    const { token } = issuer(900, 503)
    const error = await token().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TaskportError)
    expect(error).toMatchObject({ status: 503, message: 'Too busy.' })
  })
})
