import { type TObject, Type as t } from '@sinclair/typebox'
import { type Issue, throwIfInvalid } from '../../../domain/errors.ts'
import { textProblem } from '../../../domain/text.ts'
import { nullable, references, timestamp } from '../openapi/schema.ts'
import { bodyReader, type FieldCheck } from '../transport/body-reader.ts'
import { isCommonPassword, loadCommonPasswords } from './common-passwords.ts'

export const EMAIL_HELP = 'must be an email address.'

const strict = { additionalProperties: false }

const EMAIL_MAX = 254
const NAME_MAX = 100
const PASSWORD_MIN = 8
const PASSWORD_MAX = 128

const email = t.String({
  minLength: 3,
  maxLength: EMAIL_MAX,
  description: 'Case-insensitive.',
})
const password = t.String({ minLength: PASSWORD_MIN, maxLength: PASSWORD_MAX })
const newPassword = t.String({
  minLength: PASSWORD_MIN,
  maxLength: PASSWORD_MAX,
  description: 'Not a common password, nor the name or the email address.',
})
const rememberMe = t.Optional(
  t.Boolean({ description: 'If false, the session ends when the browser is closed.' }),
)
const callbackURL = t.Optional(t.String({ description: 'Accepted and ignored.' }))

const RegistrationSchema = t.Object(
  {
    name: t.String({ minLength: 1, maxLength: NAME_MAX }),
    email,
    password: newPassword,
    rememberMe,
    callbackURL,
  },
  strict,
)

const CredentialsSchema = t.Object({ email, password, rememberMe, callbackURL }, strict)

const DeletionSchema = t.Object({ password }, strict)

const UserSchema = t.Object({
  id: t.String({ description: 'The sub of its tokens and the user_id of its tasks.' }),
  name: t.String(),
  email: t.String(),
  emailVerified: t.Boolean(),
  image: nullable(t.String()),
  createdAt: timestamp,
  updatedAt: timestamp,
})

const SessionSchema = t.Object({
  user: t.Unsafe(references({ User: UserSchema }).User),
  session: t.Object({ id: t.String(), userId: t.String(), expiresAt: timestamp }),
})

export const accountSchemas = {
  Registration: RegistrationSchema,
  Credentials: CredentialsSchema,
  Deletion: DeletionSchema,
  User: UserSchema,
  Session: SessionSchema,
}

export const accountRef = references(accountSchemas)

const EXPECTATIONS = {
  name: 'must be a string.',
  email: 'must be a string.',
  password: 'must be a string.',
  rememberMe: 'must be true or false.',
  callbackURL: 'must be a string.',
}

const accountIssues: FieldCheck = ({ name, email, password }) => {
  const problems = {
    name: typeof name === 'string' && textProblem(name.trim(), 1, NAME_MAX),
    email: typeof email === 'string' && !EMAIL.test(email.trim()) && EMAIL_HELP,
    password: typeof password === 'string' && textProblem(password, PASSWORD_MIN, PASSWORD_MAX),
  }
  return Object.entries(problems).flatMap(([field, detail]): Issue[] =>
    detail ? [{ field, detail }] : [],
  )
}

/** NIST SP 800-63B section 3.1.1.2. */
const newPasswordProblem = ({ name, email, password }: Readonly<Record<string, unknown>>) => {
  if (typeof password !== 'string') return undefined
  const own = [name, email].map((text) =>
    String(text ?? '')
      .trim()
      .toLowerCase(),
  )
  if (own.includes(password.trim().toLowerCase())) {
    return 'must not be your name or your email address. Choose another.'
  }
  return isCommonPassword(password)
    ? 'is one of the most common ones. Choose another, such as several random words.'
    : undefined
}

const registrationIssues: FieldCheck = (fields) => {
  const issues = accountIssues(fields)
  const detail = newPasswordProblem(fields)
  const known = issues.some(({ field }) => field === 'password')
  return detail && !known ? [...issues, { field: 'password', detail }] : issues
}

/** A rough check; the provider has its own. */
const EMAIL = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,189}$/u

type Fields = Readonly<{ name?: string; email?: string; password: string; callbackURL?: string }>

const accountReader = (schema: TObject, check = accountIssues) => {
  const reader = bodyReader(schema, EXPECTATIONS, check)
  return (body: unknown): object => {
    const { callbackURL: _, ...given } = reader.read(body) as Fields
    throwIfInvalid(check(given))
    return {
      ...given,
      ...(given.name !== undefined && { name: given.name.trim() }),
      ...(given.email !== undefined && { email: given.email.trim() }),
    }
  }
}

const registration = accountReader(RegistrationSchema, registrationIssues)

export const readRegistration = async (body: unknown): Promise<object> => {
  await loadCommonPasswords()
  return registration(body)
}
export const readCredentials = accountReader(CredentialsSchema)
export const readDeletion = accountReader(DeletionSchema)
