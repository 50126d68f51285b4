import { BODY_FAILURES, describeOperations, OPEN, requestBody } from '../openapi/operation.ts'
import { queryParameters, text } from '../openapi/parameters.ts'
import { redirect, response } from '../openapi/responses.ts'
import { arrayOf, nullableOf, object, TEXT } from '../openapi/schema.ts'
import { JSON_TYPE } from '../transport/read-json.ts'
import { accountRef } from './schema.ts'

const { User, VerificationRequest, PasswordResetRequest, PasswordReset, ProviderSignIn } =
  accountRef

const WRITE = [...BODY_FAILURES, 'forbidden'] as const
const TRUE = { const: true }
const BOOLEAN = { type: 'boolean' }
const EMAIL = { email: 'ada@example.com' }

/** What goes through a mail or another provider. */
export const linkOperations = describeOperations(
  'accounts',
  { security: OPEN, failures: ['too-many-requests', 'internal', 'unavailable'] },
  {
    getMethods: {
      summary: 'Get the ways to sign in',
      description: 'What a front end offers here: passwords, sign-up, links by mail, providers.',
      responses: {
        200: response(
          'The ways to sign in.',
          object({
            password: BOOLEAN,
            signUp: BOOLEAN,
            mail: BOOLEAN,
            providers: arrayOf(object({ id: TEXT, name: TEXT })),
          }),
        ),
      },
    },
    sendVerification: {
      summary: 'Send another verification mail',
      description: 'The same response for an unknown address. 400 if the server sends no mail.',
      requestBody: requestBody(VerificationRequest, JSON_TYPE, EMAIL),
      responses: { 200: response('Sent, if needed.', object({ status: TRUE })) },
      failures: WRITE,
    },
    verifyEmail: {
      summary: 'Verify an email address',
      description: 'What the link in a mail opens.',
      parameters: queryParameters({
        token: ['Of the link.', text({})],
        callbackURL: ['Where to go on, with the parameter error if it failed.', text({})],
      }),
      responses: {
        200: response(
          'Verified; without a callbackURL.',
          object({ status: TRUE, user: nullableOf(User) }),
        ),
        302: redirect('To the callbackURL.'),
      },
      failures: ['invalid', 'unauthenticated', 'forbidden'],
    },
    requestReset: {
      summary: 'Send a link to set a new password',
      description: 'The same response for an unknown address. 400 if the server sends no mail.',
      requestBody: requestBody(PasswordResetRequest, JSON_TYPE, EMAIL),
      responses: {
        200: response(
          'Sent, if the address has an account.',
          object({ status: TRUE, message: TEXT }),
        ),
      },
      failures: WRITE,
    },
    resetPassword: {
      summary: 'Set a new password',
      description: 'With the token of a link, which works once, for an hour. Ends all sessions.',
      requestBody: requestBody(PasswordReset, JSON_TYPE, {
        newPassword: 'battery staple',
        token: 'p2mqKnYTcTnPE1hGmYzKzF4w',
      }),
      responses: { 200: response('The password is set.', object({ status: TRUE })) },
      failures: WRITE,
    },
    signInWithProvider: {
      summary: 'Sign in with a provider',
      description:
        'Returns where the browser is to go: to the OpenID provider. That sends it back to /api/auth/callback/oidc, which sets the session cookie and goes on to callbackURL.',
      requestBody: requestBody(ProviderSignIn, JSON_TYPE, {
        provider: 'oidc',
        callbackURL: 'https://app.example.com/',
      }),
      responses: {
        200: response('Where to go.', object({ url: TEXT, redirect: BOOLEAN })),
      },
      failures: [...WRITE, 'not-found'],
    },
    finishProviderSignIn: {
      summary: 'Come back from a provider',
      description: 'Where the provider sends the browser to. Sets the session cookie.',
      parameters: queryParameters({
        code: ['Of the provider.', text({})],
        state: ['Of the request to sign in.', text({})],
        iss: ['The provider (RFC 9207).', text({})],
        error: ['Of the provider.', text({})],
        error_description: ['Of the provider.', text({})],
      }),
      responses: { 302: redirect('To the callbackURL of the request, or its errorCallbackURL.') },
    },
  },
)
