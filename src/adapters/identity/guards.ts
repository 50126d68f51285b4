import type { Auth } from './auth.ts'
import type { AuthSettings } from './options.ts'
import { passwords } from './passwords.ts'
import { type Refusal, refusal, USER_ALREADY_EXISTS } from './refusal.ts'
import { costsOf, pathOf } from './routes.ts'
import { isSignUpClosed, SIGN_UP_CLOSED } from './sign-up.ts'

export type GuardSettings = Pick<AuthSettings, 'signUp' | 'passwords' | 'sendMail'> &
  Readonly<{ oidc?: unknown }>

type Guard = (auth: Auth, request: Request, settings: GuardSettings) => Promise<Refusal | undefined>

/** A response in place of the library's, or undefined. */
export const guard = async (
  auth: Auth,
  request: Request,
  settings: GuardSettings,
): Promise<Response | undefined> => {
  const path = pathOf(request)
  if (settings.passwords === false && NEEDS_PASSWORDS.includes(path)) return refusal(PASSWORDS_OFF)
  const refused = await GUARDS[path]?.(auth, request, settings)
  return refused && refusal(refused)
}

const NEEDS_PASSWORDS: readonly string[] = [
  '/sign-up/email',
  '/sign-in/email',
  '/reset-password',
  '/request-password-reset',
]

const PASSWORDS_OFF = {
  status: 403,
  code: 'EMAIL_PASSWORD_DISABLED',
  message: 'Email and password is not enabled',
  detail: 'Accounts have no passwords here. Sign in with the provider.',
}

const INVALID_PASSWORD = { status: 400, code: 'INVALID_PASSWORD', message: 'Invalid password' }

const bodyOf = async (request: Request): Promise<Readonly<Record<string, string>>> =>
  (await request.clone().json()) as Record<string, string>

const signUp: Guard = async (auth, _, settings) => {
  const closed = await isSignUpClosed(settings.signUp, (await auth.$context).internalAdapter)
  return closed ? { status: 403, ...SIGN_UP_CLOSED } : undefined
}

const FRESH_MS = 86_400_000

/** Without a password in the account, the session has to be a fresh one. */
const requirePassword: Guard = async (auth, request) => {
  const { password } = await bodyOf(request)
  const session = await auth.api.getSession({ headers: request.headers })
  if (!session) return undefined
  const { internalAdapter } = await auth.$context
  const account = await internalAdapter.findCredentialAccount(session.user.id)
  if (!account?.password) {
    const age = Date.now() - session.session.createdAt.getTime()
    return age < FRESH_MS ? undefined : SESSION_EXPIRED
  }
  if (password === undefined) return PASSWORD_MISSING
  return (await passwords.verify({ hash: account.password, password }))
    ? undefined
    : INVALID_PASSWORD
}

const SESSION_EXPIRED = { status: 400, code: 'SESSION_EXPIRED', message: 'Session expired' }

const PASSWORD_MISSING = {
  status: 400,
  code: 'PASSWORD_REQUIRED',
  message: 'Password required',
  detail: 'Send the current password of the account as password.',
}

/** The library asks for no password, and does not report that an address is taken. */
const changeEmail: Guard = async (auth, request, settings) => {
  const refused = await requirePassword(auth, request, settings)
  const session = await auth.api.getSession({ headers: request.headers })
  if (refused || !session) return refused
  const { newEmail = '' } = await bodyOf(request)
  const { internalAdapter } = await auth.$context
  if (newEmail.toLowerCase() === session.user.email) return EMAIL_IS_THE_SAME
  if (settings.sendMail) return undefined
  if (await internalAdapter.findUserByEmail(newEmail.toLowerCase())) return USER_ALREADY_EXISTS
  // Without mail, the library changes unverified addresses only.
  if (session.user.emailVerified)
    await internalAdapter.updateUser(session.user.id, { emailVerified: false })
  return undefined
}

const EMAIL_IS_THE_SAME = {
  status: 400,
  code: 'EMAIL_IS_THE_SAME',
  message: 'Email is the same',
  detail: 'The account has this address. Send another one.',
}

const GUARDS: Readonly<Record<string, Guard>> = {
  '/sign-up/email': signUp,
  '/delete-user': async (auth, request, settings) =>
    (await bodyOf(request))['password'] === undefined
      ? requirePassword(auth, request, settings)
      : undefined,
  '/change-email': changeEmail,
}

/**
 * With mail, the responses to a wrong password and to the right one of an address that is not
 * verified are the same: after a sign-up, they would tell whether the address was known.
 */
export const unverifiedAsWrong = async (
  request: Request,
  response: Response,
  { sendMail }: GuardSettings,
): Promise<Response> => {
  const signIn = costsOf(request) && pathOf(request) === '/sign-in/email'
  return sendMail && signIn && (response.status === 401 || response.status === 403)
    ? withoutDifference(response)
    : response
}

const UNUSABLE: readonly unknown[] = ['INVALID_EMAIL_OR_PASSWORD', 'EMAIL_NOT_VERIFIED']

const withoutDifference = async (response: Response): Promise<Response> => {
  const { code } = (await response.clone().json()) as { code?: unknown }
  return UNUSABLE.includes(code) ? refusal(WRONG_OR_UNVERIFIED) : response
}

const WRONG_OR_UNVERIFIED = {
  status: 401,
  code: 'INVALID_EMAIL_OR_PASSWORD',
  message: 'Invalid email or password',
  detail:
    'The email address or the password is wrong, or the address is not confirmed yet. Open the link ' +
    'in the mail, or set a new password.',
}
