import type { Config } from './config.ts'

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** Whether session cookies have to cross sites, and a warning for each origin that they do not reach. */
export type CookieReach = Readonly<{ crossSite: boolean; warnings: readonly string[] }>

/** Undefined when nothing in the configuration says which address browsers use. */
export const browserUrl = ({
  publicUrl,
  tokens,
}: Pick<Config, 'publicUrl' | 'tokens'>): string | undefined =>
  publicUrl ?? (tokens.issuer?.startsWith('https://') ? tokens.issuer : undefined)

/**
 * A site is a scheme and a registrable domain; pages of another one send cookies over `https` only,
 * with `SameSite=None` (RFC 6265bis section 5.2).
 */
export const cookieReach = async (
  config: Pick<Config, 'publicUrl' | 'tokens' | 'corsOrigins'>,
): Promise<CookieReach> => {
  const url = browserUrl(config)
  const warnings: string[] = []
  let crossSite = false
  for (const origin of config.corsOrigins) {
    const same = url !== undefined && (await isSameSite(new URL(origin), new URL(url)))
    if (same) continue
    const secure = url?.startsWith('https:') ?? false
    crossSite ||= secure
    const problem = secure ? webViewProblem(origin) : insecureProblem(origin, url)
    if (problem) warnings.push(`${origin} in CORS_ORIGINS ${problem}`)
  }
  return { crossSite, warnings }
}

const isSameSite = async (one: URL, other: URL): Promise<boolean> => {
  if (one.protocol !== other.protocol) return false
  if (one.hostname === other.hostname) return true
  const { getDomain } = await import('tldts')
  const [domain, otherDomain] = [one, other].map(({ hostname }) =>
    getDomain(hostname, { allowPrivateDomains: true }),
  )
  return domain !== null && domain === otherDomain
}

const INSTEAD = 'or send the session token as Authorization: Bearer instead.'

const isPage = (origin: string): boolean => /^https?:/.test(origin)

const webViewProblem = (origin: string): string | undefined =>
  isPage(origin)
    ? undefined
    : `is an app, whose web view may block cookies of other sites. If sign-in fails there, use its HTTP plugin, ${INSTEAD}`

const insecureProblem = (origin: string, url: string | undefined): string | undefined => {
  if (url !== undefined) {
    return (
      `is another site than ${url}, and browsers send cookies to another site over https only. ` +
      `Open it under the same host name as PUBLIC_URL, set PUBLIC_URL to an https address, ${INSTEAD}`
    )
  }
  if (origin.startsWith('http:') && LOOPBACK.test(new URL(origin).hostname)) return undefined
  return (
    'gets no session cookies unless it is of the same site as this server, whose address is not known. ' +
    `Set PUBLIC_URL to the address that browsers use, ${INSTEAD}`
  )
}
