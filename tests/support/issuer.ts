import { Database } from 'bun:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { jwt } from 'better-auth/plugins/jwt'
import { within } from './wait.ts'

/** A real Better Auth with its jwt plugin, as a front end would run it, on a socket of its own. */
export const startIssuer = async () => {
  const server: Bun.Server<undefined> = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request): Promise<Response> => auth.handler(request),
  })
  const url = `http://127.0.0.1:${server.port}`
  const options = {
    baseURL: url,
    secret: 'a secret that only this issuer knows, 32+',
    database: new Database(':memory:'),
    emailAndPassword: { enabled: true },
    plugins: [jwt({ jwt: { issuer: url, audience: 'taskport' } })],
  }
  const { runMigrations } = await getMigrations(options)
  await runMigrations()
  const auth = betterAuth(options)

  const call = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await within(
      fetch(`${url}/api/auth${path}`, init),
      `The issuer should respond to ${path}.`,
    )
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response
  }

  /** Signs a new user up and gets the token that a front end would send along. */
  const signUp = async (email: string): Promise<{ userId: string; token: string }> => {
    const response = await call('/sign-up/email', {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ email, name: email, password: 'correct horse battery' }),
    })
    const { user } = (await response.json()) as { user: { id: string } }
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    const { token } = (await (await call('/token', { headers: { cookie } })).json()) as {
      token: string
    }
    return { userId: user.id, token }
  }

  return {
    url,
    jwksUrl: `${url}/api/auth/jwks`,
    issuer: url,
    audience: 'taskport',
    signUp,
    stop: () => server.stop(true),
  }
}
