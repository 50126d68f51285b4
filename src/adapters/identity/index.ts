import { DomainError } from '../../domain/errors.ts'
import { type Auth, type AuthSettings, openAuth, PEER_HEADER } from './auth.ts'
import { type IdentityDatabase, type IdentityStorage, openIdentityDatabase } from './database.ts'

export type IdentityOptions = Omit<AuthSettings, 'onError'> &
  Readonly<{
    storage: IdentityStorage
    /** Settles when the database server has been reached for the first time. */
    reached: Promise<void>
    onError: (error: unknown) => void
  }>

export type IdentityProvider = Readonly<{
  /**
   * Answers a request under `/api/auth/` in the library's own form. `peer` is the client's address,
   * by which attempts are limited. Throws `unavailable` while the database is away.
   */
  handle(request: Request, peer: string): Promise<Response>
  /** The public keys (RFC 7517) that its tokens are checked with. */
  keys(): Promise<Response>
  ready(): Promise<void>
  close(): Promise<void>
}>

const PAUSE = 500

/**
 * Signs users up and in and issues their tokens. Returns at once and gets ready by itself; a database
 * server that is away is tried again for ever, a file that cannot be used makes every call fail.
 */
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
        await Bun.sleep(PAUSE)
      }
    }
  }
  const opening = open()
  opening.catch(() => {})

  const use = async <Result>(step: (auth: Auth) => Promise<Result>): Promise<Result> => {
    if (storage.kind !== 'postgres') await opening
    if (!opened) throw unavailable()
    try {
      return await step(opened)
    } catch (error) {
      throw isOutage(error) ? unavailable(error) : error
    }
  }

  return {
    handle: (request, peer) =>
      use((auth) => {
        request.headers.set(PEER_HEADER, peer)
        return auth.handler(request)
      }),
    keys: () => use(async (auth) => Response.json(await auth.api.getJwks())),
    ready: () => use(async (auth) => void (await auth.api.getJwks())),
    close: async () => {
      closed = true
      await database?.close()
    },
  }
}

const unavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'Signing in is not possible right now. Try again.', { cause })

/** Anything but an answer of the library's own is a failure of its database. */
const isOutage = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  /^(CONN|ECONN|08|53|57|SQLITE_)/.test(String(error.code))
