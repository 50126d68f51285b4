import { type ProblemKind, problem } from '../transport/problem.ts'
import { EMAIL_HELP } from './bodies.ts'

const KINDS: Record<number, ProblemKind> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  422: 'already-exists',
}

const CODES: Readonly<Record<string, ProblemKind>> = { SIGN_UP_CLOSED: 'sign-up-closed' }

const EXISTS = 'An account with this email address exists. Sign in instead.'

const UNTRUSTED =
  'URLs to go on with must be paths, or on the origin of the server or one of CORS_ORIGINS.'

const NO_MAIL = 'This server sends no mail. Ask its operator for a link to set a new password.'

/** Others keep the library's message. */
const DETAILS: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: 'The email address or the password is wrong. Try again, or sign up.',
  INVALID_PASSWORD: 'The password is wrong. Send the current one.',
  USER_ALREADY_EXISTS: EXISTS,
  FAILED_TO_CREATE_USER: EXISTS,
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: EXISTS,
  MISSING_OR_NULL_ORIGIN: 'Send an Origin header together with the session cookie.',
  INVALID_ORIGIN:
    "This origin is not trusted. If it is the server's own, set PUBLIC_URL to it, else add it to CORS_ORIGINS.",
  SIGN_UP_CLOSED: 'No one can sign up here. Ask the operator of this server for an account.',
  INVALID_TOKEN: 'The link is not valid or was used before. Request another one.',
  TOKEN_EXPIRED: 'The link has expired. Request another one.',
  INVALID_CALLBACK_URL: UNTRUSTED,
  INVALID_REDIRECT_URL: UNTRUSTED,
  INVALID_ERROR_CALLBACK_URL: UNTRUSTED,
  INVALID_NEW_USER_CALLBACK_URL: UNTRUSTED,
  RESET_PASSWORD_DISABLED: NO_MAIL,
  VERIFICATION_EMAIL_NOT_ENABLED: NO_MAIL,
  CREDENTIAL_ACCOUNT_NOT_FOUND: 'The account has no password. Sign in with the provider.',
  PROVIDER_NOT_FOUND: 'There is no such provider here. See /api/auth/methods for those there are.',
  SESSION_EXPIRED: 'Sign in again, then retry within a day.',
}

type Body = Readonly<{ code?: unknown; message?: unknown; detail?: string }>

/** With the `code` and `message` that the library's client needs. */
export const problemFrom = async (response: Response): Promise<Response> => {
  const { code, message, detail: given } = (await response.json().catch(() => ({}))) as Body
  const kind = CODES[String(code)] ?? KINDS[response.status]
  if (!kind)
    throw new Error(`The identity provider responded with ${response.status} ${code ?? ''}`)
  const text = typeof message === 'string' ? message : ''
  const detail = given ?? DETAILS[String(code)] ?? FALLBACK[kind] ?? `${text}.`
  const [field] = /\b(newEmail|email)\b/.exec(code === 'INVALID_EMAIL' ? 'email' : text) ?? []
  const badEmail = code === 'INVALID_EMAIL' || (code === 'VALIDATION_ERROR' && field)
  return problem(kind, badEmail ? `${field} ${EMAIL_HELP}` : detail, {
    ...(badEmail && field && { issues: [{ field, detail: EMAIL_HELP }] }),
    headers: {
      'cache-control': 'no-store',
      ...(kind === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
    },
    extensions: {
      ...(typeof code === 'string' && { code }),
      ...(typeof message === 'string' && { message }),
    },
  })
}

const FALLBACK: Partial<Record<ProblemKind, string>> = {
  unauthenticated: 'There is no session. Sign in and send its cookie or its token.',
}
