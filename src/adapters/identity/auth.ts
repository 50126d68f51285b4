import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { createAuthMiddleware } from 'better-auth/api'
import { getMigrations } from 'better-auth/db/migration'
import { jwt } from 'better-auth/plugins/jwt'
import type { IdentityDatabase } from './database.ts'
import { passwords } from './passwords.ts'
import { requestState } from './request-state.ts'
import { checkSigningKey } from './signing-key.ts'

const DAY = 86_400

export const TOKEN_LIFETIME_S = 900

export type AuthSettings = Readonly<{
  issuer: string
  audience: string
  /** At least 32 bytes; it encrypts the signing key and signs the session cookies. */
  secret: string
  /** What holds the secret, for messages. */
  secretSource: string
  /** The server's URL for browsers; with `https` cookies are secure. */
  baseUrl: string
  /** Origins of front ends that may use sessions, besides the server's own. */
  origins: readonly string[]
  /** Lets front ends of other sites have a session; needs `https`. */
  crossSiteCookies?: boolean
  /** Called before the account is deleted. */
  onDelete: (userId: string) => Promise<void>
  onError: (error: Error) => void
}>

/** Carries the peer's address; what a client sends in it is overwritten. */
export const PEER_HEADER = 'x-taskport-peer'

const optionsOf = (database: IdentityDatabase['database'], settings: AuthSettings) =>
  ({
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
      enabled: true,
      minPasswordLength: 8,
      maxPasswordLength: 256,
      password: {
        ...passwords,
        hash: async (password) => requestState()?.passwordHash ?? passwords.hash(password),
      },
    },
    hooks: {
      // Before the transaction of a sign-up, which would hold a connection meanwhile.
      before: createAuthMiddleware(async ({ path, body }) => {
        const state = requestState()
        if (state && path === '/sign-up/email')
          state.passwordHash = await passwords.hash(body.password)
      }),
    },
    user: {
      deleteUser: { enabled: true, beforeDelete: ({ id }) => settings.onDelete(id) },
    },
    plugins: [
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
    onAPIError: { throw: true },
  }) satisfies BetterAuthOptions

/** Migrates the schema and creates the first signing key. Throws a WrongSecretError. */
export const openAuth = async (
  { database, exclusively }: IdentityDatabase,
  settings: AuthSettings,
) => {
  const { promise, resolve } = Promise.withResolvers<Auth>()
  /** In one statement that deletes sessions and passwords as well, where the library needs three. */
  const deleteUser = async (id: string): Promise<void> => {
    const { adapter } = await (await promise).$context
    await adapter.delete({ model: 'user', where: [{ field: 'id', value: id }] })
  }
  const onDelete = async (id: string): Promise<void> => {
    await settings.onDelete(id)
    await deleteUser(id)
  }
  const options = optionsOf(database, { ...settings, onDelete })
  const prepare = async (): Promise<Auth> => {
    const { runMigrations } = await getMigrations(options)
    await runMigrations()
    const auth = betterAuth(options)
    await checkSigningKey(auth, settings.secretSource)
    await auth.api.getJwks()
    return auth
  }
  await exclusively(async () => resolve(await prepare()))
  return promise
}

export type Auth = ReturnType<typeof betterAuth<ReturnType<typeof optionsOf>>>
