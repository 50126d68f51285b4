import { expect, test } from 'bun:test'
import { identityProvider } from '../../src/adapters/identity/index.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { json, openHttp } from '../support/http.ts'

const http = openHttp(memoryStorage().tasks, {
  accounts: identityProvider({
    storage: { kind: 'memory' },
    reached: Promise.resolve(),
    issuer: 'taskport',
    audience: 'taskport',
    secret: 'a secret of the identity provider, 32 bytes',
    secretSource: 'AUTH_SECRET',
    baseUrl: 'http://localhost',
    origins: [],
    onDelete: async () => {},
    onError: () => {},
    onRefusal: () => {},
    onFailedAttempt: () => {},
  }),
})

const NAME = 'Ada'
const EMAIL = 'ada@example.com'
const PASSWORD = 'correct horse'

test.each([
  [
    'sign-up/email',
    { name: ' ', email: 5, password: 'short', admin: true },
    ['/admin', '/email', '/name', '/password'],
  ],
  [
    'sign-up/email',
    { name: NAME, email: 'ada', rememberMe: 1 },
    ['/email', '/password', '/rememberMe'],
  ],
  ['sign-up/email', { name: '😀'.repeat(101), email: EMAIL, password: PASSWORD }, ['/name']],
  ['sign-in/email', { email: 'ada' }, ['/email', '/password']],
  [
    'change-password',
    { currentPassword: 'short', newPassword: 'password1', revokeOtherSessions: 'yes' },
    ['/currentPassword', '/newPassword', '/revokeOtherSessions'],
  ],
  ['change-email', { newEmail: 'ada', password: 'short' }, ['/newEmail', '/password']],
  ['update-user', { name: '', image: 'x' }, ['/image', '/name']],
  ['revoke-session', { token: 5, id: 'x' }, ['/id', '/token']],
  ['delete-user', { password: 'short', x: 1 }, ['/password', '/x']],
])('%s reports all invalid fields of %j together', async (path, body, pointers) => {
  const response = await http.call('POST', `/api/auth/${path}`, { as: null, body })
  expect(response.status).toBe(400)
  const { errors } = await json(response)
  expect(errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(pointers)
})
