import { unavailable } from './request-state.ts'

export type OidcOptions = Readonly<{
  /** The URL of an OpenID provider, without `/.well-known/openid-configuration`. */
  issuer: string
  clientId: string
  clientSecret?: string
  /** What people call it. */
  name: string
}>

/** Of the only provider, in paths and in the table of accounts. */
export const PROVIDER = 'oidc'

const DISCOVERY_MS = 5000

const RETRY_MS = 5000

/** OpenID Connect Discovery 1.0 section 4. */
const discoveryUrlOf = (issuer: string): string =>
  `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`

/**
 * Resolves to the library's plugin as soon as the provider can be reached; until then, a provider
 * that is away is reported once.
 */
export const oidcPlugin = async (
  { issuer, clientId, clientSecret }: OidcOptions,
  isClosed: () => boolean,
  onError: (error: unknown) => void,
) => {
  const discoveryUrl = discoveryUrlOf(issuer)
  for (let reported = false; ; reported = true) {
    try {
      await discover(discoveryUrl, issuer)
      break
    } catch (error) {
      if (!reported) onError(error)
      await Bun.sleep(RETRY_MS)
      if (isClosed()) throw unavailable()
    }
  }
  const { genericOAuth } = await import('better-auth/plugins/generic-oauth')
  return genericOAuth({
    config: [
      {
        providerId: PROVIDER,
        discoveryUrl,
        clientId,
        ...(clientSecret === undefined
          ? { tokenEndpointAuth: { method: 'none' as const } }
          : { clientSecret }),
        scopes: ['openid', 'email', 'profile'],
        requireIdTokenVerification: true,
      },
    ],
  })
}

const discover = async (url: string, issuer: string): Promise<void> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(DISCOVERY_MS) })
  const found = response.ok ? ((await response.json()) as { issuer?: unknown }).issuer : undefined
  if (found === issuer) return
  throw new Error(
    `OIDC_ISSUER: ${url} responded with ${response.status} and the issuer ${found}. Set OIDC_ISSUER to ` +
      "exactly the provider's issuer.",
  )
}
