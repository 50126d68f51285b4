import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { jwt } from 'better-auth/plugins/jwt'
import type { IdentityDatabase } from './database.ts'
import { passwords } from './passwords.ts'

const DAY = 86_400

export type AuthSettings = Readonly<{
  /** What tokens carry as `iss` and `aud`. */
  issuer: string
  audience: string
  /** At least 32 bytes; it encrypts the signing key and signs the session cookies. */
  secret: string
  /** Where browsers find the server; `https` makes cookies secure. */
  baseUrl: string
  /** Origins of front ends that may use sessions, besides the server's own. */
  origins: readonly string[]
  /** Told, before the account goes, whose data has to go with it. */
  onDelete: (userId: string) => Promise<void>
  /** Told what the library finds wrong. */
  onError: (message: string) => void
}>

/** The header that carries the peer's address; whatever a client sends in it is replaced. */
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
      password: passwords(),
    },
    user: {
      deleteUser: { enabled: true, beforeDelete: async ({ id }) => settings.onDelete(id) },
    },
    plugins: [
      jwt({
        jwks: { rotationInterval: 90 * DAY, gracePeriod: DAY },
        jwt: {
          issuer: settings.issuer,
          audience: settings.audience,
          expirationTime: '15m',
          definePayload: ({ user: { email, name } }) => ({ email, name }),
        },
        disableSettingJwtHeader: true,
      }),
    ],
    rateLimit: {
      enabled: true,
      storage: 'memory',
      window: 10,
      max: 100,
      customRules: {
        '/sign-in/email': { window: 60, max: 10 },
        '/sign-up/email': { window: 60, max: 10 },
        '/delete-user': { window: 60, max: 10 },
      },
    },
    advanced: {
      ipAddress: { ipAddressHeaders: [PEER_HEADER] },
      // Said outright: left to itself the library checks less when NODE_ENV is "test".
      disableOriginCheck: false,
      disableCSRFCheck: false,
    },
    logger: { level: 'error', log: (_level, message) => settings.onError(message) },
    onAPIError: { throw: true },
  }) satisfies BetterAuthOptions

/** Brings the schema up to date, makes the first signing key, and only then opens. */
export const openAuth = async (
  { database, exclusively }: IdentityDatabase,
  settings: AuthSettings,
) => {
  const options = optionsOf(database, settings)
  const prepare = async (): Promise<Auth> => {
    const { runMigrations } = await getMigrations(options)
    await runMigrations()
    const auth = betterAuth(options)
    await auth.api.getJwks()
    return auth
  }
  const { promise, resolve } = Promise.withResolvers<Auth>()
  await exclusively(async () => resolve(await prepare()))
  return promise
}

export type Auth = ReturnType<typeof betterAuth<ReturnType<typeof optionsOf>>>
