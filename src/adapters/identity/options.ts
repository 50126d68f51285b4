import type { BetterAuthOptions } from 'better-auth'
import { createAuthMiddleware } from 'better-auth/api'
import { bearer } from 'better-auth/plugins/bearer'
import { jwt } from 'better-auth/plugins/jwt'
import type { IdentityDatabase } from './database.ts'
import { linksIn } from './links.ts'
import { mailsOf, type SendMail } from './mails.ts'
import { passwords } from './passwords.ts'
import { requestState } from './request-state.ts'
import { refuseSignUp, type SignUp } from './sign-up.ts'

const DAY = 86_400

export const TOKEN_LIFETIME_S = 900

export type AuthSettings = Readonly<{
  issuer: string
  audience: string
  /** At least 32 bytes; it encrypts the signing key and signs the session cookies. */
  secret: string
  /** What holds the secret, for messages. */
  secretSource: string
  /** The server's URL for browsers, also in mails; with `https` cookies are secure. */
  baseUrl: string
  /** Origins of front ends that may use sessions, besides the server's own. */
  origins: readonly string[]
  /** Lets front ends of other sites have a session; needs `https`. */
  crossSiteCookies?: boolean
  /** Who may create an account; anyone by default. */
  signUp?: SignUp
  /** Whether accounts have passwords; they have by default. */
  passwords?: boolean
  /** With it, addresses are verified before an account can be used. */
  sendMail?: SendMail | undefined
  /** Called before the account is deleted. */
  onDelete: (userId: string) => Promise<void>
}>

type Settings = AuthSettings &
  Readonly<{
    onError: (error: Error) => void
    onPasswordReset: (userId: string) => Promise<void>
    /** Undefined for an unknown address. */
    resetLink: (email: string) => Promise<string | undefined>
  }>

/** Carries the peer's address; what a client sends in it is overwritten. */
export const PEER_HEADER = 'x-taskport-peer'

export const optionsOf = (database: IdentityDatabase['database'], settings: Settings) => {
  const links = linksIn(settings.baseUrl)
  const mails = settings.sendMail && mailsOf(settings.sendMail, links, settings.resetLink)
  return {
    database,
    secret: settings.secret,
    baseURL: settings.baseUrl,
    basePath: '/api/auth',
    appName: 'Taskport',
    telemetry: { enabled: false },
    trustedOrigins: (request) => [
      ...settings.origins,
      ...(request ? [new URL(request.url).origin] : []),
    ],
    emailAndPassword: {
      enabled: settings.passwords ?? true,
      minPasswordLength: 8,
      maxPasswordLength: 256,
      password: {
        ...passwords,
        hash: async (password) => requestState()?.passwordHash ?? passwords.hash(password),
      },
      revokeSessionsOnPasswordReset: true,
      onPasswordReset: ({ user }) => settings.onPasswordReset(user.id),
      ...mails?.passwords,
    },
    ...(mails && { emailVerification: mails.addresses }),
    hooks: {
      // Before the transaction of a sign-up, which would hold a connection meanwhile.
      before: createAuthMiddleware(async ({ path, body }) => {
        const state = requestState()
        if (state && path === '/sign-up/email')
          state.passwordHash = await passwords.hash(body.password)
      }),
    },
    databaseHooks: { user: { create: { before: refuseSignUp(settings.signUp) } } },
    // A session's token in a list is of no use without the signature of its cookie.
    session: { freshAge: 0 },
    user: {
      changeEmail: { enabled: true, updateEmailWithoutVerification: !settings.sendMail },
      deleteUser: { enabled: true, beforeDelete: ({ id }) => settings.onDelete(id) },
    },
    account: { encryptOAuthTokens: true },
    verification: { storeIdentifier: 'hashed' },
    plugins: [
      bearer({ requireSignature: true }),
      jwt({
        jwks: { rotationInterval: 90 * DAY, gracePeriod: DAY },
        jwt: {
          issuer: settings.issuer,
          audience: settings.audience,
          expirationTime: `${TOKEN_LIFETIME_S}s`,
          definePayload: ({ user: { email, name } }) => ({ email, name }),
        },
        disableSettingJwtHeader: true,
      }),
    ],
    rateLimit: { enabled: false },
    advanced: {
      database: { joins: true },
      ...(settings.crossSiteCookies && {
        defaultCookieAttributes: { sameSite: 'none', secure: true, partitioned: true },
      }),
      ipAddress: { ipAddressHeaders: [PEER_HEADER] },
      // Explicit, because the library's default checks less when NODE_ENV is "test".
      disableOriginCheck: false,
      disableCSRFCheck: false,
    },
    logger: {
      level: 'error',
      log: (_level, message, ...details) => {
        const cause = details.find((detail) => detail instanceof Error)
        settings.onError(new Error(String(message), cause && { cause }))
      },
    },
    onAPIError: { throw: true, errorURL: links.page },
  } satisfies BetterAuthOptions
}
