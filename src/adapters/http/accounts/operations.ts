import { BODY_FAILURES, describeOperations, OPEN, requestBody } from '../openapi/operation.ts'
import { response } from '../openapi/responses.ts'
import { arrayOf, nullableOf, object, TEXT } from '../openapi/schema.ts'
import { JSON_TYPE } from '../transport/read-json.ts'
import { accountRef } from './schema.ts'

const {
  Registration,
  Credentials,
  Deletion,
  PasswordChange,
  EmailChange,
  Profile,
  SessionReference,
  User,
  Session,
  SignedInSession,
} = accountRef

const WRITE = [...BODY_FAILURES, 'forbidden'] as const
const PERSON = { email: 'ada@example.com', password: 'correct horse' }
const COOKIE = 'Requires the session cookie, or the session token as bearer'
const SAFE = `${COOKIE}; the cookie with an Origin header with the server's own origin or one of CORS_ORIGINS.`
const SIGNED_IN =
  'Sets the session cookie, with which /api/auth/token issues a token. Clients without cookies send token as Authorization: Bearer instead, to /api/auth/ only.'
const TRUE = { const: true }
const SESSION = [{ session: [] }, { sessionToken: [] }]

export const securitySchemes = {
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'better-auth.session_token',
    description:
      'Set by signing up or in; over https its name begins with __Secure-. Browsers send it by themselves.',
  },
  sessionToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The token that signing up or in returns, for clients without cookies.',
  },
}
const DONE = object({ status: TRUE })

export const operations = describeOperations(
  'accounts',
  { security: OPEN, failures: ['too-many-requests', 'internal', 'unavailable'] },
  {
    signUp: {
      summary: 'Sign up',
      description: `Creates an account and signs in. ${SIGNED_IN} If the server sends mail, the address has to be verified first: the token is null, and the response is the same for a known address.`,
      requestBody: requestBody(Registration, JSON_TYPE, { name: 'Ada', ...PERSON }),
      responses: {
        200: response('The new account.', object({ token: nullableOf(TEXT), user: User })),
      },
      failures: [...WRITE, 'already-exists', 'sign-up-closed'],
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
    changePassword: {
      summary: 'Change the password',
      security: SESSION,
      description: `Takes the current password, too. Tokens that other sessions have got are valid for up to 15 minutes more. ${SAFE}`,
      requestBody: requestBody(PasswordChange, JSON_TYPE, {
        currentPassword: PERSON.password,
        newPassword: 'battery staple',
        revokeOtherSessions: true,
      }),
      responses: {
        200: response(
          'The password is changed. The token is that of the new session, if all others were ended.',
          object({ token: nullableOf(TEXT), user: User }),
        ),
      },
      failures: [...WRITE, 'unauthenticated'],
    },
    changeEmail: {
      summary: 'Change the email address',
      security: SESSION,
      description: `If the server sends mail, the new address has to be confirmed first, and the response is the same for a known one. Tokens name the new address from the next one on. ${SAFE}`,
      requestBody: requestBody(EmailChange, JSON_TYPE, {
        newEmail: 'ada@example.org',
        password: PERSON.password,
      }),
      responses: { 200: response('The address is changed, or the mail sent.', DONE) },
      failures: [...WRITE, 'unauthenticated', 'already-exists'],
    },
    updateUser: {
      summary: 'Change the name',
      security: SESSION,
      description: `Tokens name the new one from the next one on. ${SAFE}`,
      requestBody: requestBody(Profile, JSON_TYPE, { name: 'Ada Lovelace' }),
      responses: { 200: response('The name is changed.', DONE) },
      failures: [...WRITE, 'unauthenticated'],
    },
    listSessions: {
      summary: 'List the sessions',
      security: SESSION,
      description: `Where the account is signed in. ${COOKIE}.`,
      responses: { 200: response('The sessions.', arrayOf(SignedInSession)) },
      failures: ['unauthenticated'],
    },
    revokeSession: {
      summary: 'End a session',
      security: SESSION,
      description: `It gets no token from now on; those it has got are valid for up to 15 minutes. ${SAFE}`,
      requestBody: requestBody(SessionReference, JSON_TYPE, {
        token: 'c0UkYwDRZ5QzSNrGjvDSxcNN2XZqyZWS',
      }),
      responses: { 200: response('There is no such session any more.', DONE) },
      failures: [...WRITE, 'unauthenticated'],
    },
    revokeOtherSessions: {
      summary: 'End all other sessions',
      security: SESSION,
      description: `All but the one of this request. ${SAFE}`,
      responses: { 200: response('This is the only session.', DONE) },
      failures: [...WRITE, 'unauthenticated'],
    },
    revokeSessions: {
      summary: 'Sign out everywhere',
      security: SESSION,
      description: `Ends all sessions, that of this request too. ${SAFE}`,
      responses: { 200: response('No session is left.', DONE) },
      failures: [...WRITE, 'unauthenticated'],
    },
    getSession: {
      summary: 'Get the session',
      security: SESSION,
      description: `${COOKIE}; null without one.`,
      responses: {
        200: response('The session, or null.', nullableOf(Session)),
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
