import { Database } from 'bun:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { jwt } from 'better-auth/plugins/jwt'

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

  const post = async (path: string, body: object): Promise<Response> => {
    const response = await fetch(`${url}/api/auth${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response
  }

  /** Signs a new user up and gets the token that a front end would send along. */
  const signUp = async (email: string): Promise<{ userId: string; token: string }> => {
    const response = await post('/sign-up/email', {
      email,
      name: email,
      password: 'correct horse battery',
    })
    const { user } = (await response.json()) as { user: { id: string } }
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    const answer = await fetch(`${url}/api/auth/token`, { headers: { cookie } })
    const { token } = (await answer.json()) as { token: string }
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
