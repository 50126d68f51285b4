import { Elysia } from 'elysia'
import type { Identity } from '../../../application/ports.ts'
import type { Resource } from '../openapi/document.ts'
import { failureResponses } from '../openapi/responses.ts'
import { JSON_TYPE, readJson } from '../transport/read-json.ts'
import { contextOf } from '../transport/request-context.ts'
import {
  readCredentials,
  readDeletion,
  readEmailChange,
  readPasswordChange,
  readPasswordReset,
  readPasswordResetRequest,
  readProfile,
  readProviderSignIn,
  readRegistration,
  readSessionReference,
  readVerificationRequest,
} from './bodies.ts'
import { linkOperations } from './link-operations.ts'
import { operations, securitySchemes } from './operations.ts'
import { accountPage } from './page.ts'
import { problemFrom } from './provider-problem.ts'
import { accountSchemas } from './schema.ts'

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
  const forward: Forward =
    (read) =>
    async ({ request }) => {
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
      const redirects = response.status === 302
      if (!redirects) response.headers.delete('location')
      return response.ok || redirects ? noStore(response) : problemFrom(response)
    }

  return new Elysia({ normalize: false })
    .get('/account', accountPage, HIDDEN)
    .use(provider(forward))
}

const HIDDEN = { detail: { hide: true } }

type Forward = (
  read?: (body: unknown) => object | Promise<object>,
) => (context: { request: Request }) => Promise<Response>

const provider = (forward: Forward) =>
  new Elysia({ prefix: '/api/auth', normalize: false })
    .get('/methods', forward(), linkOperations.getMethods)
    .post('/sign-up/email', forward(readRegistration), operations.signUp)
    .post('/sign-in/email', forward(readCredentials), operations.signIn)
    .post('/sign-out', forward(), operations.signOut)
    .post('/delete-user', forward(readDeletion), operations.deleteUser)
    .post('/change-password', forward(readPasswordChange), operations.changePassword)
    .post('/change-email', forward(readEmailChange), operations.changeEmail)
    .post('/update-user', forward(readProfile), operations.updateUser)
    .get('/list-sessions', forward(), operations.listSessions)
    .post('/revoke-session', forward(readSessionReference), operations.revokeSession)
    .post('/revoke-other-sessions', forward(), operations.revokeOtherSessions)
    .post('/revoke-sessions', forward(), operations.revokeSessions)
    .get('/get-session', forward(), operations.getSession)
    .get('/token', forward(), operations.getToken)
    .get('/jwks', forward(), operations.getKeys)
    .post(
      '/send-verification-email',
      forward(readVerificationRequest),
      linkOperations.sendVerification,
    )
    .get('/verify-email', forward(), linkOperations.verifyEmail)
    .post('/request-password-reset', forward(readPasswordResetRequest), linkOperations.requestReset)
    .post('/reset-password', forward(readPasswordReset), linkOperations.resetPassword)
    .post('/sign-in/social', forward(readProviderSignIn), linkOperations.signInWithProvider)
    .get('/callback/oidc', forward(), linkOperations.finishProviderSignIn)

const noStore = (response: Response): Response => {
  response.headers.set('cache-control', 'no-store')
  return response
}
