import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { IdentityProvider } from '../../../src/adapters/identity/index.ts'
import type { Http } from '../../support/http.ts'
import { eventually } from '../../support/wait.ts'
import { ofAccounts, operation } from './document.ts'
import { abortedBody, expectDocumented, JSON_TYPE, type Request, send } from './exchange.ts'
import { accounts, DomainError, openServer, providerOf, type Seed, seed } from './server.ts'

setDefaultTimeout(60_000)

/** A provider that says where its pages are, which is all that is asked of it here. */
const discovery: Bun.Server<undefined> = Bun.serve({
  port: 0,
  fetch: (): Response =>
    Response.json({
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/authorize`,
      token_endpoint: `${ISSUER}/token`,
      jwks_uri: `${ISSUER}/jwks`,
      id_token_signing_alg_values_supported: ['RS256'],
    }),
})
const ISSUER: string = discovery.url.origin
afterAll(() => discovery.stop(true))

beforeAll(async () => {
  await accounts.ready()
  const request = () => ({
    ...exampleOf('signInWithProvider', { callbackURL: '/' }),
    headers: visitor(),
  })
  const path = operation('signInWithProvider').path
  const begin = () => withProvider.call('POST', path, request())
  await eventually(async () => (await begin()).ok, 'the provider is known')
})

type Case = readonly [
  operationId: string,
  status: number,
  why: string,
  make: () => Promise<Request>,
]

/** Each visitor has an address of its own, because attempts are counted by address. */
let visitors = 0
const visitor = (): Record<string, string> => ({
  ...JSON_TYPE,
  'x-peer': `192.0.2.${++visitors}`,
})

const exampleOf = (id: string, more: object = {}): { body?: object } => {
  const example = operation(id).requestBody?.content['application/json']?.example
  return example ? { body: { ...example, ...more } } : {}
}

/** Signs up with a new address; the headers are those of the session. */
const signUp = async (): Promise<{ email: string; headers: Record<string, string> }> => {
  const headers = visitor()
  const email = `${headers['x-peer']}@example.com`
  const request = { ...exampleOf('signUp', { email }), headers }
  const response = await openServer().call('POST', operation('signUp').path, request)
  const cookies = response.headers.getSetCookie().map((line) => line.split(';')[0])
  return { email, headers: { ...headers, cookie: cookies.join('; '), origin: 'http://localhost' } }
}

const good = async (id: string, more: object = {}): Promise<Request> => ({
  ...exampleOf(id, more),
  headers: visitor(),
})

/** With the session or the address of a new account. */
const signedIn = async (id: string, more: object = {}): Promise<Request> => ({
  ...exampleOf(id, more),
  headers: (await signUp()).headers,
})
const newAddress = (newEmail = `${Bun.randomUUIDv7()}@example.com`): Promise<Request> =>
  signedIn('changeEmail', { newEmail })
const knownAddress = async (id: string, more: object = {}): Promise<Request> => ({
  ...exampleOf(id, { email: (await signUp()).email, ...more }),
  headers: visitor(),
})

const failing = (error: Error): Http =>
  openServer({
    accounts: { handle: () => Promise.reject(error), ready: () => Promise.reject(error) },
  })
const away = failing(new DomainError('unavailable', 'Accounts cannot be reached.'))
const broken = failing(new Error('broken'))

const serverOf = (provider: IdentityProvider) =>
  openServer({ accounts: provider, trustProxy: 'x-peer' })
const links: string[] = []
const mailing = providerOf({
  sendMail: ({ text }) => void links.push(/http\S+/.exec(text)?.[0] ?? ''),
})
const mailingServer = serverOf(mailing)
const closed = serverOf(providerOf({ signUp: 'closed' }))
const connected = providerOf({
  oidc: { issuer: ISSUER, clientId: 'taskport', clientSecret: 'secret', name: 'Example' },
})
const withProvider = serverOf(connected)

const atMailing = async (id?: string): Promise<Request> => ({
  ...(id && exampleOf(id)),
  headers: visitor(),
  server: mailingServer,
})

/** Of the link in a mail. */
const verificationToken = async (): Promise<string> => {
  const headers = visitor()
  const request = {
    ...exampleOf('signUp', { email: `${Bun.randomUUIDv7()}@example.com` }),
    headers,
  }
  await mailingServer.call('POST', operation('signUp').path, request)
  return new URL(links.at(-1) ?? '').searchParams.get('token') ?? ''
}

const resetToken = async (): Promise<string> => {
  const link = await accounts.administration.resetLink((await signUp()).email)
  return new URL(link ?? '').searchParams.get('token') ?? ''
}

const WRONG = { password: 'wrong horse' }

const common = ofAccounts.flatMap(({ operationId: id, method }): Case[] => {
  const cases: Case[] = [
    [id, 500, 'when it is broken', async () => ({ ...(await good(id)), server: broken })],
    [id, 503, 'while its storage is away', async () => ({ ...(await good(id)), server: away })],
  ]
  if (method === 'GET') return cases
  const large = ' '.repeat(65_537)
  const form = { 'content-type': 'text/plain' }
  const foreign = { origin: 'https://evil.example.com' }
  return [
    ...cases,
    [id, 400, 'for what is no JSON', async () => ({ raw: '{', headers: visitor() })],
    [id, 408, 'for a body that ends too soon', async () => abortedBody(visitor())],
    [id, 413, 'for a large body', async () => ({ raw: large, headers: visitor() })],
    [id, 415, 'for a form', async () => ({ raw: 'a=1', headers: { ...visitor(), ...form } })],
    [
      id,
      403,
      'for an origin that is not trusted',
      async () => ({ ...exampleOf(id), headers: { ...(await signUp()).headers, ...foreign } }),
    ],
  ]
})

const CASES: Case[] = [
  ...common,
  ['signUp', 200, 'with the user', () => good('signUp')],
  ['signUp', 422, 'for a known address', () => knownAddress('signUp')],
  ['signIn', 200, 'with the user', () => knownAddress('signIn')],
  ['signIn', 401, 'for a wrong password', () => knownAddress('signIn', WRONG)],
  ['signOut', 200, 'for a session', () => signedIn('signOut')],
  ['deleteUser', 200, 'for a session', () => signedIn('deleteUser')],
  ['deleteUser', 401, 'without a session', () => good('deleteUser')],
  ['deleteUser', 400, 'for a wrong password', () => signedIn('deleteUser', WRONG)],
  ['changePassword', 200, 'for a session', () => signedIn('changePassword')],
  ['changePassword', 401, 'without a session', () => good('changePassword')],
  ['changeEmail', 200, 'for a session', () => newAddress()],
  ['changeEmail', 401, 'without a session', () => good('changeEmail')],
  ['changeEmail', 422, 'for a known address', async () => newAddress((await signUp()).email)],
  ['updateUser', 200, 'for a session', () => signedIn('updateUser')],
  ['updateUser', 401, 'without a session', () => good('updateUser')],
  ['listSessions', 200, 'with the sessions', () => signedIn('listSessions')],
  ['listSessions', 401, 'without a session', () => good('listSessions')],
  ...['revokeSession', 'revokeOtherSessions', 'revokeSessions'].flatMap((id): Case[] => [
    [id, 200, 'for a session', () => signedIn(id)],
    [id, 401, 'without a session', () => good(id)],
  ]),
  [
    'signUp',
    403,
    'where sign-up is closed',
    async () => ({ ...(await good('signUp')), server: closed }),
  ],
  ['getMethods', 200, 'always', () => good('getMethods')],
  ['sendVerification', 200, 'with mail', () => atMailing('sendVerification')],
  [
    'verifyEmail',
    302,
    'with a page to go on to',
    async () => ({ ...(await atMailing()), search: '?token=x&callbackURL=/' }),
  ],
  [
    'verifyEmail',
    200,
    'for a token',
    async () => ({ ...(await atMailing()), search: `?token=${await verificationToken()}` }),
  ],
  [
    'verifyEmail',
    401,
    'for a bad token',
    async () => ({ ...(await atMailing()), search: '?token=x' }),
  ],
  ['verifyEmail', 400, 'without a token', () => atMailing()],
  [
    'verifyEmail',
    403,
    'for a page elsewhere',
    async () => ({
      ...(await atMailing()),
      search: '?token=x&callbackURL=https://evil.example.com/',
    }),
  ],
  ['requestReset', 200, 'with mail', () => atMailing('requestReset')],
  [
    'resetPassword',
    200,
    'for a token',
    async () => good('resetPassword', { token: await resetToken() }),
  ],
  [
    'signInWithProvider',
    404,
    'without a provider',
    () => good('signInWithProvider', { callbackURL: '/' }),
  ],
  [
    'signInWithProvider',
    200,
    'with one',
    async () => ({
      ...(await good('signInWithProvider', { callbackURL: '/' })),
      server: withProvider,
    }),
  ],
  [
    'finishProviderSignIn',
    302,
    'whatever comes',
    async () => ({ headers: visitor(), search: '?code=x&state=y' }),
  ],
  ['getSession', 200, 'with the session', () => signedIn('getSession')],
  ['getSession', 200, 'with null', () => good('getSession')],
  ['getToken', 200, 'with a token', () => signedIn('getToken')],
  ['getToken', 401, 'without a session', () => good('getToken')],
  ['getKeys', 200, 'with the keys', () => good('getKeys')],
]

describe('a response about accounts is as documented', () => {
  let seeded: Seed
  beforeAll(async () => {
    seeded = await seed()
  })

  test.each(CASES)('%s: %d %s', async (id, status, _, make) => {
    const response = await send(seeded, id, await make())
    expect(response.status).toBe(status)
    await expectDocumented(id, response)
  })

  const limited = ofAccounts.map(({ operationId }) => operationId)

  test.each(limited)('%s: 429 after too many attempts', async (id) => {
    const wrong = JSON.stringify(exampleOf(id)).includes('"password"') ? WRONG : {}
    const request = { ...exampleOf(id, wrong), headers: visitor() }
    let response = await send(seeded, id, request)
    for (let n = 0; n < 101 && response.status !== 429; n++)
      response = await send(seeded, id, request)
    expect(response.status).toBe(429)
    await expectDocumented(id, response)
  })

  test('and every documented one is tested here', () => {
    const documented = ofAccounts.flatMap(({ operationId, responses }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    )
    const tested = [
      ...CASES.map(([id, status]) => `${id} ${status}`),
      ...limited.map((id) => `${id} 429`),
    ]
    expect([...new Set(tested)].sort()).toEqual(documented.sort())
  })
})
