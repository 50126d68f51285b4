import { beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Http } from '../../support/http.ts'
import { ofAccounts, operation } from './document.ts'
import { abortedBody, expectDocumented, JSON_TYPE, type Request, send } from './exchange.ts'
import { accounts, DomainError, openServer, type Seed, seed } from './server.ts'

setDefaultTimeout(60_000)

beforeAll(() => accounts.ready())

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

const good = async (id: string): Promise<Request> => ({ ...exampleOf(id), headers: visitor() })

/** With the session or the address of a new account. */
const signedIn = async (id: string, more: object = {}): Promise<Request> => ({
  ...exampleOf(id, more),
  headers: (await signUp()).headers,
})
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
    const request = { ...exampleOf(id, WRONG), headers: visitor() }
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
