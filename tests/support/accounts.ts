import { api } from '../../src/adapters/http/api.ts'
import { handler } from '../../src/adapters/http/handler.ts'
import { type IdentityOptions, identityProvider } from '../../src/adapters/identity/index.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { appOf } from './app.ts'
import { PASSWORD } from './server.ts'

const ORIGIN = 'http://localhost'

/** The account routes of a server, without sockets. */
export const openAccounts = async (
  options: Pick<IdentityOptions, 'storage'> & Partial<IdentityOptions>,
) => {
  const accounts = identityProvider({
    reached: Promise.resolve(),
    issuer: 'taskport',
    audience: 'taskport',
    secret: 'a secret of the identity provider, 32 bytes',
    baseUrl: ORIGIN,
    origins: [],
    secretSource: 'AUTH_SECRET',
    onDelete: async () => {},
    onRefusal: () => {},
    onFailedAttempt: () => {},
    onError: () => {},
    ...options,
  })
  const app = appOf({
    tasks: memoryStorage().tasks,
    now: () => new Date().toISOString(),
    newId: () => Bun.randomUUIDv7(),
  })
  const verify = () => Promise.reject(new Error('Tokens are not verified here.'))
  const respond = handler(api(app, verify, { version: '0', accounts }), {
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  })
  let calls = 0

  const call = (
    method: string,
    path: string,
    { body, cookie, bearer }: Sent = {},
  ): Promise<Response> =>
    respond(
      new Request(path.startsWith(ORIGIN) ? path : `${ORIGIN}/api/auth${path}`, {
        method,
        headers: {
          ...(bearer ? { authorization: `Bearer ${bearer}` } : { origin: ORIGIN }),
          ...(body && { 'content-type': 'application/json' }),
          ...(cookie && { cookie }),
        },
        body: body ? JSON.stringify(body) : null,
      }),
      () => `10.0.${calls >> 8}.${calls++ & 255}`,
    )

  const signIn = (email: string): Promise<Response> =>
    call('POST', '/sign-in/email', { body: { email, password: PASSWORD } })

  const signUp = (email: string): Promise<Response> =>
    call('POST', '/sign-up/email', { body: { name: 'Ada', email, password: PASSWORD } })

  await accounts.keys()
  const { administration } = accounts
  const users = {
    list: () => Array.fromAsync(administration.users()),
    create: administration.create,
    resetLink: administration.resetLink,
    delete: async (email: string): Promise<void> =>
      administration.delete((await administration.find(email)).id),
  }
  return { call, signIn, signUp, users, close: accounts.close }
}

/** A client with a bearer is no browser: it sends no origin. */
type Sent = Readonly<{ body?: object; cookie?: string; bearer?: string }>

export const cookieOf = ({ headers }: Response): string =>
  headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
