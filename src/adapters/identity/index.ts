import { type Auth, type AuthSettings, openAuth, PEER_HEADER } from './auth.ts'
import { type IdentityDatabase, type IdentityStorage, openIdentityDatabase } from './database.ts'
import { throwingOutages, unavailable } from './outage.ts'

export type IdentityOptions = Omit<AuthSettings, 'onError'> &
  Readonly<{
    storage: IdentityStorage
    /** Resolves when the database server has been reached for the first time. */
    reached: Promise<void>
    onError: (error: unknown) => void
  }>

export type IdentityProvider = Readonly<{
  /** Limits attempts by `peer`. Throws `unavailable` while the database cannot be reached. */
  handle(request: Request, peer: string): Promise<Response>
  /** RFC 7517. */
  keys(): Promise<Response>
  ready(): Promise<void>
  close(): Promise<void>
}>

const RETRY_MS = 500

/** Milliseconds that a request waits for a database not reached yet. */
const START_DEADLINE_MS = 9000

/** Opens in the background; retries a server for ever. With an unusable file every call fails. */
export const identityProvider = ({
  storage,
  reached,
  onError,
  ...settings
}: IdentityOptions): IdentityProvider => {
  let database: IdentityDatabase | undefined
  let opened: Auth | undefined
  let closed = false
  const open = async (): Promise<void> => {
    await reached
    while (!opened && !closed) {
      try {
        database ??= await openIdentityDatabase(storage)
        opened = await openAuth(database, { ...settings, onError })
      } catch (error) {
        if (storage.kind !== 'postgres') throw error
        onError(error)
        await Bun.sleep(RETRY_MS)
      }
    }
  }
  const opening = open()
  opening.catch(() => {})

  const use = async <Result>(step: (auth: Auth) => Promise<Result>): Promise<Result> => {
    if (!opened) await (storage.kind === 'postgres' ? soon(opening) : opening)
    if (!opened) throw unavailable()
    const auth = opened
    return throwingOutages(() => step(auth))
  }

  return {
    handle: (request, peer) =>
      use((auth) => {
        request.headers.set(PEER_HEADER, peer)
        return auth.handler(request)
      }),
    keys: () => use(async (auth) => Response.json(await auth.api.getJwks())),
    ready: async () => {
      if (storage.kind === 'postgres' && !opened) throw unavailable()
      await use(async (auth) => void (await auth.api.getJwks()))
    },
    close: async () => {
      closed = true
      await database?.close()
    },
  }
}

const soon = async (event: Promise<void>): Promise<void> => {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, START_DEADLINE_MS)
  await Promise.race([event, late]).finally(() => clearTimeout(timer))
}
