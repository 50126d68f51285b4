import { BODY_FAILURES, describeOperations, OPEN, requestBody } from '../openapi/operation.ts'
import { response } from '../openapi/responses.ts'
import { arrayOf, object, TEXT } from '../openapi/schema.ts'
import { JSON_TYPE } from '../transport/read-json.ts'
import { accountRef } from './schema.ts'

const { Registration, Credentials, Deletion, User, Session } = accountRef

const WRITE = [...BODY_FAILURES, 'forbidden'] as const
const PERSON = { email: 'ada@example.com', password: 'correct horse' }
const COOKIE = 'Requires the session cookie'
const SAFE = `${COOKIE}, and an Origin header with the server's own origin or one of CORS_ORIGINS.`
const SIGNED_IN = 'Sets the session cookie, with which /api/auth/token issues a token.'
const TRUE = { const: true }
const SESSION = [{ session: [] }]

export const securitySchemes = {
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'better-auth.session_token',
    description:
      'Set by signing up or in; over https its name begins with __Secure-. Browsers send it by themselves.',
  },
}

export const operations = describeOperations(
  'accounts',
  { security: OPEN, failures: ['too-many-requests', 'internal', 'unavailable'] },
  {
    signUp: {
      summary: 'Sign up',
      description: `Creates an account and signs in. ${SIGNED_IN}`,
      requestBody: requestBody(Registration, JSON_TYPE, { name: 'Ada', ...PERSON }),
      responses: { 200: response('The new account.', object({ token: TEXT, user: User })) },
      failures: [...WRITE, 'already-exists'],
    },
    signIn: {
      summary: 'Sign in',
      description: SIGNED_IN,
      requestBody: requestBody(Credentials, JSON_TYPE, PERSON),
      responses: {
        200: response(
          'The account.',
          object({ redirect: { const: false }, token: TEXT, user: User }),
        ),
      },
      failures: [...WRITE, 'unauthenticated'],
    },
    signOut: {
      summary: 'Sign out',
      security: SESSION,
      description: `Ends the session. ${SAFE}`,
      responses: { 200: response('Signed out.', object({ success: TRUE })) },
      failures: WRITE,
    },
    deleteUser: {
      summary: 'Delete the account',
      security: SESSION,
      description: `Permanently deletes the account and all its tasks. ${SAFE}`,
      requestBody: requestBody(Deletion, JSON_TYPE, { password: PERSON.password }),
      responses: {
        200: response('The account is deleted.', object({ success: TRUE, message: TEXT })),
      },
      failures: [...WRITE, 'unauthenticated'],
    },
    getSession: {
      summary: 'Get the session',
      security: SESSION,
      description: `${COOKIE}; null without one.`,
      responses: {
        200: response('The session, or null.', { anyOf: [Session, { type: 'null' }] }),
      },
    },
    getToken: {
      summary: 'Get a token',
      security: SESSION,
      description: `Issues the bearer token for all other resources. ${COOKIE}.`,
      responses: { 200: response('A token, valid for 15 minutes.', object({ token: TEXT })) },
      failures: ['unauthenticated'],
    },
    getKeys: {
      summary: 'Get the public keys',
      description: 'The keys to verify tokens with.',
      responses: {
        200: response('The key set (RFC 7517).', object({ keys: arrayOf({ type: 'object' }) })),
      },
    },
  },
)
