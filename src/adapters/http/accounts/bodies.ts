import type { TObject } from '@sinclair/typebox'
import { type Issue, throwIfInvalid } from '../../../domain/errors.ts'
import { textProblem } from '../../../domain/text.ts'
import { type BodyReader, bodyReader, type FieldCheck } from '../transport/body-reader.ts'
import { isCommonPassword, loadCommonPasswords } from './common-passwords.ts'
import { bodySchemas, NAME_MAX, PASSWORD_MAX, PASSWORD_MIN } from './schema.ts'

export const EMAIL_HELP = 'must be an email address.'

const BOOLEANS = ['rememberMe', 'revokeOtherSessions', 'disableRedirect']
const MEMBERS = Object.values(bodySchemas).flatMap(({ properties }) => Object.keys(properties))
const EXPECTATIONS = Object.fromEntries(
  MEMBERS.map((member) => [
    member,
    BOOLEANS.includes(member) ? 'must be true or false.' : 'must be a string.',
  ]),
)

/** A rough check; the provider has its own. */
const EMAIL = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,189}$/u

const emailProblem = (text: string) => (EMAIL.test(text.trim()) ? undefined : EMAIL_HELP)
const passwordProblem = (text: string) => textProblem(text, PASSWORD_MIN, PASSWORD_MAX)

const PROBLEMS: Record<string, (text: string) => string | undefined> = {
  name: (text) => textProblem(text.trim(), 1, NAME_MAX),
  email: emailProblem,
  newEmail: emailProblem,
  password: passwordProblem,
  currentPassword: passwordProblem,
  newPassword: passwordProblem,
}

const accountIssues: FieldCheck = (fields) =>
  Object.entries(PROBLEMS).flatMap(([field, problemOf]): Issue[] => {
    const value = fields[field]
    const detail = typeof value === 'string' ? problemOf(value) : undefined
    return detail ? [{ field, detail }] : []
  })

/** NIST SP 800-63B section 3.1.1.2. */
const newPasswordProblem = (password: string, own: readonly unknown[]): string | undefined => {
  const words = own.map((text) =>
    String(text ?? '')
      .trim()
      .toLowerCase(),
  )
  if (words.includes(password.trim().toLowerCase())) {
    return 'must not be your name or your email address. Choose another.'
  }
  return isCommonPassword(password)
    ? 'is one of the most common ones. Choose another, such as several random words.'
    : undefined
}

/** For bodies whose member `field` becomes the account's password. */
const withNewPassword =
  (field: string): FieldCheck =>
  (fields) => {
    const issues = accountIssues(fields)
    const password = fields[field]
    if (typeof password !== 'string' || issues.some((issue) => issue.field === field)) return issues
    const detail = newPasswordProblem(password, [fields['name'], fields['email']])
    return detail ? [...issues, { field, detail }] : issues
  }

const TRIMMED = ['name', 'email', 'newEmail']

const accountReader = (schema: TObject, check = accountIssues) => {
  let reader: BodyReader | undefined
  return (body: unknown): object => {
    reader ??= bodyReader(schema, EXPECTATIONS, check)
    const given = reader.read(body)
    throwIfInvalid(check(given))
    const trimmed = Object.entries(given).map(([member, value]) => [
      member,
      TRIMMED.includes(member) && typeof value === 'string' ? value.trim() : value,
    ])
    return Object.fromEntries(trimmed)
  }
}

const newPasswordReader = (schema: TObject, field: string) => {
  const read = accountReader(schema, withNewPassword(field))
  return async (body: unknown): Promise<object> => {
    await loadCommonPasswords()
    return read(body)
  }
}

export const readRegistration = newPasswordReader(bodySchemas.Registration, 'password')
const credentials = accountReader(bodySchemas.Credentials)
export const readCredentials = (body: unknown): object => ({
  ...credentials(body),
  callbackURL: undefined,
})
export const readDeletion = accountReader(bodySchemas.Deletion)
export const readPasswordChange = newPasswordReader(bodySchemas.PasswordChange, 'newPassword')
export const readEmailChange = accountReader(bodySchemas.EmailChange)
export const readProfile = accountReader(bodySchemas.Profile)
export const readSessionReference = accountReader(bodySchemas.SessionReference)
export const readVerificationRequest = accountReader(bodySchemas.VerificationRequest)
export const readPasswordResetRequest = accountReader(bodySchemas.PasswordResetRequest)
export const readPasswordReset = newPasswordReader(bodySchemas.PasswordReset, 'newPassword')
export const readProviderSignIn = accountReader(bodySchemas.ProviderSignIn)
