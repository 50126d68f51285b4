import { Elysia } from 'elysia'
import { ADDRESS_HELP, credentials, deletion, registration } from './account-schema.ts'
import { exchangeOf } from './exchange.ts'
import { accountOperations } from './openapi-accounts.ts'
import { type ProblemKind, problem } from './problem.ts'
import { JSON_TYPE, readJson } from './read-json.ts'

/** The built-in identity provider, as far as the routes need it. */
export type Accounts = Readonly<{
  /** `peer` is the client's address, by which attempts are limited. */
  handle(request: Request, peer: string): Promise<Response>
  ready(): Promise<void>
}>

/** The provider's routes that are open; there are no others. Bodies are checked before it sees them. */
export const accountRoutes = (accounts: Accounts) => {
  const pass =
    (check?: (body: unknown) => object) =>
    async ({ request }: { request: Request }): Promise<Response> => {
      const peer = exchangeOf(request).peer()
      const headers = new Headers(request.headers)
      const given = request.method === 'POST' ? await readJson(request, JSON_TYPE) : undefined
      const body = check ? JSON.stringify(check(given)) : null
      if (!body) headers.delete('content-type')
      headers.delete('content-length')
      const answer = await accounts.handle(
        new Request(request.url, { method: request.method, headers, body }),
        peer,
      )
      return answer.ok ? kept(answer) : refusal(answer)
    }

  return new Elysia({ prefix: '/api/auth', normalize: false })
    .post('/sign-up/email', pass(registration), detailed(accountOperations.signUp))
    .post('/sign-in/email', pass(credentials), detailed(accountOperations.signIn))
    .post('/sign-out', pass(), detailed(accountOperations.signOut))
    .post('/delete-user', pass(deletion), detailed(accountOperations.deleteUser))
    .get('/get-session', pass(), detailed(accountOperations.getSession))
    .get('/token', pass(), detailed(accountOperations.getToken))
    .get('/jwks', pass(), detailed(accountOperations.getKeys))
}

const detailed = <Detail>(detail: Detail) => ({ parse: 'none' as const, detail })

const kept = (answer: Response): Response => {
  answer.headers.set('cache-control', 'no-store')
  return answer
}

const KINDS: Record<number, ProblemKind> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  422: 'already-exists',
  429: 'too-many-requests',
}

/** What to do about each refusal; the library's own words for any other. */
const ADVICE: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: 'The e-mail address or the password is wrong. Try again, or sign up.',
  INVALID_PASSWORD: 'The password is wrong. Send the current one.',
  USER_ALREADY_EXISTS: 'There is an account with this e-mail address. Sign in instead.',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL:
    'There is an account with this e-mail address. Sign in instead.',
  MISSING_OR_NULL_ORIGIN: 'Send an Origin header together with the session cookie.',
  INVALID_ORIGIN: 'This origin may not use sessions here. Add it to CORS_ORIGINS.',
  SESSION_EXPIRED: 'Sign in again, then repeat this within a day.',
}

/**
 * The library's error as a problem document. Its `code` and `message` stay beside the standard
 * members, since its own client looks for them.
 */
const refusal = async (answer: Response): Promise<Response> => {
  const { code, message } = (await answer.json().catch(() => ({}))) as Record<string, unknown>
  const kind = KINDS[answer.status]
  if (!kind) throw new Error(`The identity provider answered ${answer.status} ${code ?? ''}`)
  const text = typeof message === 'string' ? message : ''
  const advice = ADVICE[String(code)] ?? FALLBACK[kind] ?? `${text}.`
  const wait = answer.headers.get('x-retry-after')
  const badAddress = code === 'INVALID_EMAIL' || (code === 'VALIDATION_ERROR' && /email/.test(text))
  return problem(kind, badAddress ? `email ${ADDRESS_HELP}` : advice, {
    ...(badAddress && { issues: [{ field: 'email', detail: ADDRESS_HELP }] }),
    headers: {
      'cache-control': 'no-store',
      ...(wait !== null && { 'retry-after': wait }),
      ...(kind === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
    },
    extensions: {
      ...(typeof code === 'string' && { code }),
      ...(typeof message === 'string' && { message }),
    },
  })
}

const FALLBACK: Partial<Record<ProblemKind, string>> = {
  unauthenticated: 'There is no session. Sign in first and send its cookie.',
  'too-many-requests': 'Too many attempts. Wait as long as Retry-After says.',
}
