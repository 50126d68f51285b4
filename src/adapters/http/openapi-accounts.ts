import { body, operation } from './openapi.ts'
import { answer, type Failure, failures } from './openapi-answers.ts'
import { schemaOf } from './openapi-schemas.ts'
import { JSON_TYPE } from './read-json.ts'

type Account = Omit<Parameters<typeof operation>[1], 'operationId' | 'responses'>

const onAccounts = (
  operationId: string,
  [status, response]: [number, object],
  rest: Account,
  ...kinds: readonly Failure[]
) =>
  operation('accounts', {
    operationId,
    ...rest,
    responses: {
      [status]: response,
      ...failures('too-many-requests', 'internal', 'unavailable', ...kinds),
    },
  })

const BODY = ['invalid', 'payload-too-large', 'unsupported-media-type'] as const
const PERSON = { email: 'ada@example.com', password: 'correct horse' }
const COOKIE = 'Needs the session cookie'
const SAFE = `${COOKIE} and, with it, an Origin header of the server's own or of CORS_ORIGINS.`

const object = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
})
const TRUE = { const: true }
const TEXT = { type: 'string' }

/** What the document says of the identity provider's routes. */
export const accountOperations = {
  signUp: onAccounts(
    'signUp',
    [200, answer('Signed up, and in.', object({ token: TEXT, user: schemaOf('User') }))],
    {
      summary: 'Sign up',
      description: 'Sets the session cookie. Ask /api/auth/token for a token next.',
      requestBody: body('Registration', JSON_TYPE, { name: 'Ada', ...PERSON }),
    },
    ...BODY,
    'forbidden',
    'already-exists',
  ),
  signIn: onAccounts(
    'signIn',
    [
      200,
      answer(
        'Signed in.',
        object({ redirect: { const: false }, token: TEXT, user: schemaOf('User') }),
      ),
    ],
    {
      summary: 'Sign in',
      description: 'Sets the session cookie. Ask /api/auth/token for a token next.',
      requestBody: body('Credentials', JSON_TYPE, PERSON),
    },
    ...BODY,
    'unauthenticated',
    'forbidden',
  ),
  signOut: onAccounts(
    'signOut',
    [200, answer('Signed out.', object({ success: TRUE }))],
    { summary: 'Sign out', description: `Ends the session. ${SAFE}` },
    ...BODY,
    'forbidden',
  ),
  deleteUser: onAccounts(
    'deleteUser',
    [200, answer('It is gone.', object({ success: TRUE, message: TEXT }))],
    {
      summary: 'Delete your account',
      description: `Deletes the account and all its tasks, for good. ${SAFE}`,
      requestBody: body('Deletion', JSON_TYPE, { password: PERSON.password }),
    },
    ...BODY,
    'unauthenticated',
    'forbidden',
  ),
  getSession: onAccounts(
    'getSession',
    [200, answer('The session, or null.', { anyOf: [schemaOf('Session'), { type: 'null' }] })],
    { summary: 'Who is signed in?', description: `${COOKIE}; null without one.` },
  ),
  getToken: onAccounts(
    'getToken',
    [200, answer('A token for 15 minutes.', object({ token: TEXT }))],
    { summary: 'Get a token', description: `For everything about tasks. ${COOKIE}.` },
    'unauthenticated',
  ),
  getKeys: onAccounts(
    'getKeys',
    [
      200,
      answer(
        'The key set (RFC 7517).',
        object({ keys: { type: 'array', items: { type: 'object' } } }),
      ),
    ],
    { summary: 'The keys to check tokens with', description: 'Public.' },
  ),
}
