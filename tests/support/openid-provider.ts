import { createServer, type Server } from 'node:http'
import Provider from 'oidc-provider'
import { within } from './wait.ts'

export type OpenIdProvider = Readonly<{
  issuer: string
  /** What it says of the person who signs in next. */
  person: { sub: string; email: string; email_verified: boolean; name: string }
  /** Goes through its pages as a browser does, and returns where they lead to in the end. */
  signIn(authorizationUrl: string): Promise<string>
  close(): Promise<void>
}>

export const CLIENT = { id: 'taskport', secret: 'the secret of the client, at the provider' }

/** A certified OpenID provider, over a socket, with its own login pages. */
export const startOpenIdProvider = async (
  redirectUri: string,
  port = 0,
): Promise<OpenIdProvider> => {
  const person = { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada' }
  const server: Server = createServer()
  const { promise: listening, resolve } = Promise.withResolvers<void>()
  server.listen(port, '127.0.0.1', resolve)
  await within(listening, 'the OpenID provider listens')
  const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: () => ({ accountId: person.sub, claims: () => ({ ...person }) }),
    cookies: { keys: ['a key of the cookies'] },
    pkce: { required: () => true },
  })
  server.on('request', provider.callback())

  const signIn = async (authorizationUrl: string): Promise<string> => {
    const jar = new Map<string, string>()
    let url = authorizationUrl
    let body: URLSearchParams | undefined
    for (let step = 0; step < 12; step++) {
      if (!url.startsWith(issuer)) return url
      const response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
        redirect: 'manual',
        ...(body && { body }),
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        jar.set(name, value)
      }
      const location = response.headers.get('location')
      const page = await response.text()
      body = undefined
      if (location) {
        url = new URL(location, url).href
        continue
      }
      const [, prompt] = /name="prompt" value="(\w+)"/.exec(page) ?? []
      const [, action] = /action="([^"]+)"/.exec(page) ?? []
      if (!prompt || !action) throw new Error(`The provider shows ${response.status} ${page}`)
      url = new URL(action, url).href
      body = new URLSearchParams({ prompt, login: person.sub, password: 'any' })
    }
    throw new Error(`The provider never leads back: ${url}`)
  }

  return {
    issuer,
    person,
    signIn,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}
