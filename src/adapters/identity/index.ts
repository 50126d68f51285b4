import type { Identity } from '../../application/ports.ts'
import { type Administration, administration } from './administration.ts'
import { type AttemptOptions, limitAttempts } from './attempts.ts'
import { type Auth, type OpenAuth, openAuth } from './auth.ts'
import { type IdentityDatabase, type IdentityStorage, openIdentityDatabase } from './database.ts'
import { guard, unverifiedAsWrong } from './guards.ts'
import { methodsOf } from './methods.ts'
import { type OidcOptions, oidcPlugin } from './oidc.ts'
import { type AuthSettings, PEER_HEADER, TOKEN_LIFETIME_S } from './options.ts'
import { duplicateOf } from './refusal.ts'
import { asRequest, unavailable } from './request-state.ts'
import { pathOf } from './routes.ts'
import { withSignedToken } from './session-token.ts'
import { WrongSecretError } from './signing-key.ts'

export type IdentityOptions = AuthSettings &
  Pick<AttemptOptions, 'onFailedAttempt'> &
  Readonly<{
    storage: IdentityStorage
    /** Another way to sign in. */
    oidc?: OidcOptions | undefined
    /** Resolves when the database server has been reached for the first time. */
    reached: Promise<void>
    onError: (error: unknown) => void
    /** Called when the database can never be used with this secret. */
    onRefusal: (error: Error) => void
  }>

export type IdentityProvider = Readonly<{
  /**
   * Limits attempts by `peer` and by account. Throws `unavailable` while the database cannot be
   * reached.
   */
  handle(request: Request, peer: string): Promise<Response>
  /**
   * Whose session cookie a page of a trusted origin sent, for as long as a token would be valid;
   * undefined without one. Throws `unavailable`.
   */
  session(request: Request): Promise<Identity | undefined>
  /** RFC 7517. */
  keys(): Promise<Response>
  ready(): Promise<void>
  administration: Administration
  /** Resolves when the database is migrated and the secret is known to fit. */
  opened: Promise<void>
  close(): Promise<void>
}>

const RETRY_MS = 500

/** Milliseconds that a request waits for a database not reached yet. */
const START_DEADLINE_MS = 9000

/** Opens in the background; retries a server forever. With an unusable file every call fails. */
export const identityProvider = ({
  storage,
  reached,
  onError,
  onRefusal,
  onFailedAttempt,
  ...settings
}: IdentityOptions): IdentityProvider => {
  let database: IdentityDatabase | undefined
  let opened: OpenAuth | undefined
  let withOidc: Auth | undefined
  let closed = false
  const open = async (): Promise<void> => {
    await reached
    while (!opened && !closed) {
      try {
        database ??= await openIdentityDatabase(storage)
        opened = await openAuth(database, { ...settings, onError })
        if (settings.oidc)
          void connect(opened, settings.oidc).catch((error) => closed || onError(error))
      } catch (error) {
        if (storage.kind !== 'postgres') throw error
        if (error instanceof WrongSecretError) return onRefusal(error)
        onError(error)
        await Bun.sleep(RETRY_MS)
      }
    }
  }
  const connect = async ({ withPlugin }: OpenAuth, oidc: OidcOptions): Promise<void> => {
    const plugin = await oidcPlugin(oidc, () => closed, onError)
    const auth = withPlugin(plugin)
    await auth.$context
    withOidc = auth
  }
  const opening = open()
  opening.catch(() => {})

  const useOpened = async <Result>(
    step: (opened: OpenAuth) => Promise<Result>,
  ): Promise<Result> => {
    if (!opened) await (storage.kind === 'postgres' ? soon(opening) : opening)
    if (!opened) throw unavailable()
    const found = opened
    return asRequest(() => step(found))
  }
  const use = <Result>(step: (auth: Auth) => Promise<Result>): Promise<Result> =>
    useOpened(({ auth }) => step(withOidc ?? auth))

  const emailOf = async (request: Request): Promise<string | undefined> => {
    const { email } = (await request.clone().json()) as { email?: string }
    if (email !== undefined) return email
    return use(async ({ api }) => (await api.getSession({ headers: request.headers }))?.user.email)
  }
  const respond = (request: Request, peer: string): Promise<Response> =>
    use(async (auth) => {
      request.headers.set(PEER_HEADER, peer)
      const path = pathOf(request)
      if (path === '/methods') return methodsOf(auth, settings)
      if (path === '/sign-in/social' && settings.oidc && !withOidc) throw unavailable()
      const refused = await guard(auth, request, settings)
      if (refused) return refused
      const response = await auth.handler(request).catch(duplicateOf)
      return unverifiedAsWrong(request, await withSignedToken(response), settings)
    })

  return {
    session: async (request) => {
      if (!isTrusted(request, settings)) return undefined
      const session = await use(({ api }) =>
        api.getSession({ headers: cookieOf(request), query: { disableRefresh: true } }),
      )
      return session ? { user_id: session.user.id, expires_at: endOf(session.session) } : undefined
    },
    handle: limitAttempts(respond, {
      secret: settings.secret,
      emailOf,
      mails: settings.sendMail !== undefined,
      onFailedAttempt,
    }),
    keys: () => use(async (auth) => Response.json(await auth.api.getJwks())),
    ready: async () => {
      if (storage.kind === 'postgres' && !opened) throw unavailable()
      await use(async (auth) => void (await auth.api.getJwks()))
    },
    administration: administration(useOpened),
    opened: opening,
    close: async () => {
      closed = true
      await database?.close()
    },
  }
}

/** Without an Origin, a request that a page of another origin made says so (Fetch Metadata). */
const isTrusted = (
  { url, headers }: Request,
  { baseUrl, origins }: Pick<AuthSettings, 'baseUrl' | 'origins'>,
): boolean => {
  const origin = headers.get('origin')
  if (origin === null) return /^(same-origin|none)?$/.test(headers.get('sec-fetch-site') ?? '')
  return [new URL(url).origin, new URL(baseUrl).origin, ...origins].includes(origin)
}

/** A session token is no bearer for what is not an account. */
const cookieOf = ({ headers }: Request): Headers =>
  new Headers({ cookie: headers.get('cookie') ?? '' })

const endOf = ({ expiresAt }: { expiresAt: Date }): number =>
  Math.min(expiresAt.getTime(), Date.now() + TOKEN_LIFETIME_S * 1000)

const soon = async (event: Promise<void>): Promise<void> => {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, START_DEADLINE_MS)
  await Promise.race([event, late]).finally(() => clearTimeout(timer))
}
