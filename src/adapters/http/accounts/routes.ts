import { Elysia } from 'elysia'
import type { Identity } from '../../../application/ports.ts'
import type { Resource } from '../openapi/document.ts'
import { failureResponses } from '../openapi/responses.ts'
import { type ProblemKind, problem } from '../transport/problem.ts'
import { JSON_TYPE, readJson } from '../transport/read-json.ts'
import { contextOf } from '../transport/request-context.ts'
import { operations, securitySchemes } from './operations.ts'
import {
  accountSchemas,
  EMAIL_HELP,
  readCredentials,
  readDeletion,
  readRegistration,
} from './schema.ts'

export type Accounts = Readonly<{
  /** `peer` is the client's address, by which attempts are limited. */
  handle(request: Request, peer: string): Promise<Response>
  /** Whose session cookie a page of a trusted origin sent; undefined without one. */
  session?: (request: Request) => Promise<Identity | undefined>
  ready(): Promise<void>
}>

export const accountResource = (accounts: Accounts): Resource => ({
  tag: { name: 'accounts', description: 'Sign-up and sign-in' },
  schemas: accountSchemas,
  responses: failureResponses('already-exists', 'forbidden'),
  securitySchemes,
  routes: accountRoutes(accounts),
})

/** Exposes these routes of the provider and no others; it receives only validated bodies. */
const accountRoutes = (accounts: Accounts) => {
  const forward =
    (read?: (body: unknown) => object | Promise<object>) =>
    async ({ request }: { request: Request }): Promise<Response> => {
      const peer = contextOf(request).peer()
      const headers = new Headers(request.headers)
      const given = request.method === 'POST' ? await readJson(request, JSON_TYPE) : undefined
      const body = read ? JSON.stringify(await read(given)) : null
      if (!body) headers.delete('content-type')
      headers.delete('content-length')
      // Of a browser all Fetch Metadata come, of Node's fetch only this, and then the library requires an Origin.
      if (!headers.has('sec-fetch-site')) headers.delete('sec-fetch-mode')
      const response = await accounts.handle(
        new Request(request.url, { method: request.method, headers, body, signal: request.signal }),
        peer,
      )
      return response.ok ? noStore(response) : problemFrom(response)
    }

  return new Elysia({ prefix: '/api/auth', normalize: false })
    .post('/sign-up/email', forward(readRegistration), operations.signUp)
    .post('/sign-in/email', forward(readCredentials), operations.signIn)
    .post('/sign-out', forward(), operations.signOut)
    .post('/delete-user', forward(readDeletion), operations.deleteUser)
    .get('/get-session', forward(), operations.getSession)
    .get('/token', forward(), operations.getToken)
    .get('/jwks', forward(), operations.getKeys)
}

const noStore = (response: Response): Response => {
  response.headers.set('cache-control', 'no-store')
  return response
}

const KINDS: Record<number, ProblemKind> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  422: 'already-exists',
}

const EXISTS = 'An account with this email address exists. Sign in instead.'

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
  SESSION_EXPIRED: 'Sign in again, then retry within a day.',
}

/** With the `code` and `message` that the library's client needs. */
const problemFrom = async (response: Response): Promise<Response> => {
  const { code, message } = (await response.json().catch(() => ({}))) as Record<string, unknown>
  const kind = KINDS[response.status]
  if (!kind)
    throw new Error(`The identity provider responded with ${response.status} ${code ?? ''}`)
  const text = typeof message === 'string' ? message : ''
  const detail = DETAILS[String(code)] ?? FALLBACK[kind] ?? `${text}.`
  const badEmail = code === 'INVALID_EMAIL' || (code === 'VALIDATION_ERROR' && /email/.test(text))
  return problem(kind, badEmail ? `email ${EMAIL_HELP}` : detail, {
    ...(badEmail && { issues: [{ field: 'email', detail: EMAIL_HELP }] }),
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
  unauthenticated: 'There is no session. Sign in and send its cookie.',
}
