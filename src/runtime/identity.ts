import { isIPv6 } from 'node:net'
import type { Accounts } from '../adapters/http/accounts/routes.ts'
import { type Log, serializeError } from '../application/log.ts'
import type { TokenVerifier } from '../application/ports.ts'
import { type Config, secretPath } from './config.ts'
import { localSecret } from './local-secret.ts'
import type { OpenStorage } from './storage.ts'

export type OpenIdentity = Readonly<{
  verify: TokenVerifier
  accounts?: Accounts
  close(): void | Promise<void>
}>

/** Loads only what the configuration needs. `onDelete` is called before an account is deleted. */
export const openIdentity = async (
  config: Config,
  { reached }: OpenStorage,
  onDelete: (userId: string) => Promise<void>,
  log: Log,
): Promise<OpenIdentity> => {
  const { tokens, identity, storage } = config
  if (!identity) {
    const { tokenVerifier } = await import('../adapters/jwt/index.ts')
    const onStale = (error: unknown): void => log.error(serializeError(error), 'keys not refreshed')
    return { verify: tokenVerifier({ ...tokens, onStale }), close: () => {} }
  }
  const [{ identityProvider }, { keySetVerifier }] = await Promise.all([
    import('../adapters/identity/index.ts'),
    import('../adapters/jwt/key-set.ts'),
  ])
  const { issuer = 'taskport', audience = 'taskport' } = tokens
  const origin = originOf(config)
  const accounts = identityProvider({
    storage:
      storage.kind === 'sqlite'
        ? { kind: 'sqlite', path: `${config.dataFolder}/auth.db` }
        : storage,
    reached,
    issuer,
    audience,
    secret:
      identity.secret ?? localSecret(storage.kind === 'memory' ? undefined : secretPath(config)),
    baseUrl: /^https?:/.test(issuer) ? issuer : origin,
    origins: config.corsOrigins,
    onDelete,
    onError: (error) => log.error(serializeError(error), 'identity provider'),
  })
  if (storage.kind !== 'postgres') await accounts.ready()
  const verify = keySetVerifier({
    url: `${origin}/api/auth/jwks`,
    fetchKeys: accounts.keys,
    fetchPause: 1000,
    issuer,
    audience,
  })
  return { verify, accounts, close: accounts.close }
}

/** An IPv6 address stands in brackets in a URL (RFC 3986 section 3.2.2). */
const originOf = ({ host, port }: Config): string =>
  `http://${isIPv6(host) ? `[${host}]` : host}:${port}`
