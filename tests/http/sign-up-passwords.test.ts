import { expect, test } from 'bun:test'
import type { Accounts } from '../../src/adapters/http/accounts/routes.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { json, openHttp } from '../support/http.ts'

const accounts: Accounts = { handle: async () => Response.json({}), ready: async () => {} }
const { call } = openHttp(memoryStorage().tasks, { accounts })

const ADA = { name: 'Ada Lovelace', email: 'ada@example.com' }

const signUp = (body: object) => call('POST', '/api/auth/sign-up/email', { as: null, body })

test.each([
  ['password1', /most common.*Choose another/],
  ['12345678', /most common/],
  ['QwertyUiop', /most common/],
  ['P@ssw0rd', /most common/],
  ['ada@example.com', /your name or your email address/],
  [' ADA@Example.com ', /your name or your email address/],
  ['ada lovelace', /your name or your email address/],
])('%j is refused at sign-up, and may be used to sign in', async (password, message) => {
  const response = await signUp({ ...ADA, password })
  expect(response.status).toBe(400)
  const detail = expect.stringMatching(message)
  expect(await json(response)).toMatchObject({
    detail: expect.stringMatching(/^password /),
    message: expect.stringMatching(/^password /),
    errors: [{ pointer: '/password', detail }],
  })
  const body = { email: ADA.email, password }
  expect((await call('POST', '/api/auth/sign-in/email', { as: null, body })).status).toBe(200)
})

test.each(['correct horse', 'password1 horse', 'ada lovelace 1', 'ada@example.com.'])(
  '%j is accepted',
  async (password) => {
    expect((await signUp({ ...ADA, password })).status).toBe(200)
  },
)

test('it is reported together with other fields, and once', async () => {
  const { errors } = await json(signUp({ name: '', email: 'ada', password: 'password1' }))
  const pointers = errors.map(({ pointer }: { pointer: string }) => pointer)
  expect(pointers.sort()).toEqual(['/email', '/name', '/password'])
  const short = await json(signUp({ ...ADA, name: 'Ada', password: 'ada' }))
  expect(short.errors).toHaveLength(1)
})
