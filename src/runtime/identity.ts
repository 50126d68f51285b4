import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import type { Accounts } from '../adapters/http/accounts/routes.ts'
import type { Administration } from '../adapters/identity/administration.ts'
import type { App } from '../application/index.ts'
import { type Log, serializeError } from '../application/log.ts'
import type { TokenVerifier } from '../application/ports.ts'
import type { MailOptions } from './accounts-config.ts'
import { browserUrl, cookieReach } from './browser-origins.ts'
import { type Config, secretPath } from './config.ts'
import { localSecret, newSecret } from './local-secret.ts'
import type { OpenStorage } from './storage.ts'

export type OpenIdentity = Readonly<{
  verify: TokenVerifier
  /** Both undefined when tokens come from another identity provider. */
  accounts?: Accounts
  administration?: Administration
  /** Resolves when users can sign in for the first time. */
  reached: Promise<void>
  close(): void | Promise<void>
}>

/** Loads only what the configuration needs. `fail` is called when the secret is a wrong one. */
export const openIdentity = async (
  config: Config,
  { reached }: Pick<OpenStorage, 'reached'>,
  { deleteAccount }: Pick<App, 'deleteAccount'>,
  log: Log,
  fail: (error: Error) => void,
): Promise<OpenIdentity> => {
  const { tokens, identity, storage } = config
  if (!identity) {
    const { tokenVerifier } = await import('../adapters/jwt/index.ts')
    const onStale = (error: unknown): void => log.error(serializeError(error), 'keys not refreshed')
    return { verify: tokenVerifier({ ...tokens, onStale }), reached, close: () => {} }
  }
  const [{ identityProvider }, { keySetVerifier }] = await Promise.all([
    import('../adapters/identity/index.ts'),
    import('../adapters/jwt/key-set.ts'),
  ])
  const ownDatabase = storage.kind !== 'postgres' && storage.kind !== 'memory'
  const { issuer = config.publicUrl ?? 'taskport', audience = 'taskport' } = tokens
  const origin = originOf(config)
  const { crossSite, warnings } = await cookieReach(config)
  for (const warning of warnings) log.warn({}, warning)
  const baseUrl = browserUrl(config) ?? (/^https?:/.test(issuer) ? issuer : origin)
  if (identity.mail && browserUrl(config) === undefined) log.warn({}, linkWarning(baseUrl))
  const mailer = identity.mail && (await openMailer(identity.mail, log))
  const accounts = identityProvider({
    storage: ownDatabase ? { kind: 'sqlite', path: databasePath(config) } : storage,
    reached,
    issuer,
    audience,
    secret: identity.secret ?? (await storedSecret(config)),
    secretSource: identity.secret === undefined ? secretPath(config) : 'AUTH_SECRET',
    baseUrl,
    origins: config.corsOrigins,
    crossSiteCookies: crossSite,
    signUp: identity.signUp,
    passwords: identity.passwords,
    sendMail: mailer?.send,
    oidc: identity.oidc,
    onDelete: deleteAccount,
    onError: (error) => log.error(serializeError(error), 'identity provider'),
    onRefusal: fail,
    onFailedAttempt: (attempt) => log.info(attempt, 'wrong password'),
  })
  if (storage.kind !== 'postgres') await accounts.ready()
  const verify = keySetVerifier({
    url: `${origin}/api/auth/jwks`,
    fetchKeys: accounts.keys,
    fetchPause: 1000,
    issuer,
    audience,
  })
  const close = async (): Promise<void> => {
    await mailer?.close()
    await accounts.close()
  }
  const { administration, opened: reachedAccounts } = accounts
  return { verify, accounts, administration, reached: reachedAccounts, close }
}

const linkWarning = (url: string): string =>
  `PUBLIC_URL is not set, so links in mails begin with ${url}. Set it to the address that browsers use.`

const openMailer = async (options: MailOptions, log: Log) => {
  const { openMailer } = await import('../adapters/mail/index.ts')
  return openMailer({
    ...options,
    onFailure: (failure) => log.warn(failure, 'mail not sent, will be retried'),
    onLoss: (failure) => log.error(failure, 'mail not sent'),
  })
}

export const databasePath = ({ dataFolder }: Config): string => join(dataFolder, 'auth.db')

const storedSecret = async (config: Config): Promise<string> => {
  if (config.storage.kind === 'memory') return newSecret()
  const { hasSigningKeys } = await import('../adapters/identity/sqlite-database.ts')
  return localSecret(secretPath(config), () => hasSigningKeys(databasePath(config)))
}

/** An IPv6 address stands in brackets in a URL (RFC 3986 section 3.2.2). */
const originOf = ({ host, port }: Config): string =>
  `http://${isIPv6(host) ? `[${host}]` : host}:${port}`
