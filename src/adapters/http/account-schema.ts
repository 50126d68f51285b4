import { Type as t } from '@sinclair/typebox'
import { type Issue, refuse } from '../../domain/errors.ts'
import { textProblem } from '../../domain/text.ts'
import { reader } from './schema-reader.ts'

export const ADDRESS_HELP = 'must be an e-mail address.'

const EMAIL_MAX = 254
const NAME_MAX = 100
const PASSWORD_MIN = 8
const PASSWORD_MAX = 128

const email = t.String({
  minLength: 3,
  maxLength: EMAIL_MAX,
  description: 'Compared without case.',
})
const password = t.String({ minLength: PASSWORD_MIN, maxLength: PASSWORD_MAX })
const rememberMe = t.Optional(
  t.Boolean({ description: 'False ends the session with the browser.' }),
)
const callbackURL = t.Optional(t.String({ description: 'Sent by clients; nothing is made of it.' }))

export const RegistrationSchema = t.Object(
  {
    name: t.String({ minLength: 1, maxLength: NAME_MAX }),
    email,
    password,
    rememberMe,
    callbackURL,
  },
  { additionalProperties: false },
)

export const CredentialsSchema = t.Object(
  { email, password, rememberMe, callbackURL },
  { additionalProperties: false },
)

export const DeletionSchema = t.Object({ password }, { additionalProperties: false })

const MUST = {
  name: 'must be a string.',
  email: 'must be a string.',
  password: 'must be a string.',
  rememberMe: 'must be true or false.',
  callbackURL: 'must be a string.',
}

const readRegistration = reader(RegistrationSchema, MUST)
const readCredentials = reader(CredentialsSchema, MUST)
const readDeletion = reader(DeletionSchema, MUST)

/** Each throws `invalid`, naming every bad field. */
export const registration = (body: unknown) => {
  const { callbackURL: _, ...given } = readRegistration(body)
  return checked({ ...given, name: given.name.trim(), email: given.email.trim() })
}
export const credentials = (body: unknown) => {
  const { callbackURL: _, ...given } = readCredentials(body)
  return checked({ ...given, email: given.email.trim() })
}
export const deletion = (body: unknown) => checked(readDeletion(body))

type Fields = { name?: string; email?: string; password: string }

const checked = <Given extends Fields>(given: Given): Given => {
  const { name, email, password } = given
  const problems: [string, string | undefined][] = [
    ['name', name === undefined ? undefined : textProblem(name, 1, NAME_MAX)],
    [
      'email',
      email === undefined || ADDRESS.test(email) ? undefined : 'must be an e-mail address.',
    ],
    ['password', textProblem(password, PASSWORD_MIN, PASSWORD_MAX)],
  ]
  refuse(
    problems.flatMap(([field, detail]): Issue[] =>
      detail === undefined ? [] : [{ field, detail }],
    ),
  )
  return given
}

/** Roughly; the provider looks closer. */
const ADDRESS = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,189}$/u
