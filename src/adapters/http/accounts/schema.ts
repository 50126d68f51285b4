import { Type as t } from '@sinclair/typebox'
import { nullable, references, timestamp } from '../openapi/schema.ts'

const strict = { additionalProperties: false }

export const EMAIL_MAX = 254
export const NAME_MAX = 100
export const PASSWORD_MIN = 8
export const PASSWORD_MAX = 128

const name = t.String({ minLength: 1, maxLength: NAME_MAX })
const email = t.String({
  minLength: 3,
  maxLength: EMAIL_MAX,
  description: 'Case-insensitive.',
})
const password = t.String({ minLength: PASSWORD_MIN, maxLength: PASSWORD_MAX })
const accountPassword = t.Optional(
  t.String({
    minLength: PASSWORD_MIN,
    maxLength: PASSWORD_MAX,
    description: 'Required if the account has one; else the session must be less than a day old.',
  }),
)
const newPassword = t.String({
  minLength: PASSWORD_MIN,
  maxLength: PASSWORD_MAX,
  description: 'Not a common password.',
})
const rememberMe = t.Optional(
  t.Boolean({ description: 'If false, the session ends when the browser is closed.' }),
)
const url = (description: string) => t.Optional(t.String({ maxLength: 2000, description }))
const callbackURL = url(
  'Where a link in a mail leads to in the end: a page of the front end. /account by default.',
)

export const bodySchemas = {
  Registration: t.Object(
    {
      name,
      email,
      password: t.String({
        minLength: PASSWORD_MIN,
        maxLength: PASSWORD_MAX,
        description: 'Not a common password, nor the name or the email address.',
      }),
      rememberMe,
      callbackURL,
    },
    strict,
  ),
  Credentials: t.Object(
    { email, password, rememberMe, callbackURL: url('Accepted and ignored.') },
    strict,
  ),
  Deletion: t.Object({ password: accountPassword }, strict),
  PasswordChange: t.Object(
    {
      currentPassword: password,
      newPassword,
      revokeOtherSessions: t.Optional(
        t.Boolean({ description: 'If true, all sessions end and this client gets a new one.' }),
      ),
    },
    strict,
  ),
  EmailChange: t.Object({ newEmail: email, password: accountPassword, callbackURL }, strict),
  Profile: t.Object({ name }, strict),
  VerificationRequest: t.Object({ email, callbackURL }, strict),
  PasswordResetRequest: t.Object(
    {
      email,
      redirectTo: url(
        'The page of the front end that the link opens, with the parameter token. /account by default.',
      ),
    },
    strict,
  ),
  PasswordReset: t.Object(
    { newPassword, token: t.String({ minLength: 1, maxLength: 200, description: 'Of the link.' }) },
    strict,
  ),
  ProviderSignIn: t.Object(
    {
      provider: t.String({ minLength: 1, maxLength: 100 }),
      callbackURL: url('Where the browser goes when it is signed in.'),
      newUserCallbackURL: url('The same for a new account.'),
      errorCallbackURL: url('Where it goes with the parameter error. /account by default.'),
      disableRedirect: t.Optional(t.Boolean({ description: 'Makes redirect false.' })),
    },
    strict,
  ),
  SessionReference: t.Object(
    { token: t.String({ minLength: 1, maxLength: 100, description: 'As in the list.' }) },
    strict,
  ),
}

const UserSchema = t.Object({
  id: t.String({ description: 'The sub of its tokens and the user_id of its tasks.' }),
  name: t.String(),
  email: t.String(),
  emailVerified: t.Boolean(),
  image: nullable(t.String()),
  createdAt: timestamp,
  updatedAt: timestamp,
})

const SignedInSessionSchema = t.Object({
  id: t.String(),
  userId: t.String(),
  token: t.String({ description: 'Names the session; it does not authenticate.' }),
  createdAt: timestamp,
  updatedAt: timestamp,
  expiresAt: timestamp,
  ipAddress: nullable(t.String({ description: 'From where it was started.' })),
  userAgent: nullable(t.String()),
})

const own = references({ User: UserSchema, SignedInSession: SignedInSessionSchema })

export const accountSchemas = {
  ...bodySchemas,
  User: UserSchema,
  SignedInSession: SignedInSessionSchema,
  Session: t.Object({ user: t.Unsafe(own.User), session: t.Unsafe(own.SignedInSession) }),
}

export const accountRef = references(accountSchemas)
