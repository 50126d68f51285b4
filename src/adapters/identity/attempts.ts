import { DomainError } from '../../domain/errors.ts'
import { attemptQueue } from './attempt-queue.ts'
import { countAll, counter } from './counter.ts'
import { guesses } from './guesses.ts'
import { LIMITS } from './limits.ts'
import { networksOf } from './network.ts'

export type FailedAttempt = Readonly<{
  peer: string
  /** A keyed hash of the email address. */
  account: string
}>

export type AttemptOptions = Readonly<{
  /** The key of the hashes of accounts. */
  secret: string
  /** The email address of the account that a request is about. */
  emailOf: (request: Request) => Promise<string | undefined>
  onFailedAttempt: (attempt: FailedAttempt) => void
}>

type Respond = (request: Request, peer: string) => Promise<Response>

const BASE = '/api/auth'
const SIGN_UP = '/sign-up/email'
const SIGN_IN = '/sign-in/email'

/** Throws `too-many-requests` beyond a limit, and `unavailable` when too many attempts wait. */
export const limitAttempts = (respond: Respond, options: AttemptOptions): Respond => {
  const requests = counter(LIMITS.requestsPerNetwork)
  const attempts = counter(LIMITS.attemptsPerNetwork)
  const siteAttempts = counter(LIMITS.attemptsPerSite)
  const attempt = limitGuesses(options, inTurn(respond))
  return async (request, peer) => {
    const path = pathOf(request)
    const { network, site } = networksOf(peer)
    const hashes = request.method === 'POST' && path !== '/sign-out'
    if (!hashes) {
      const wait = countAll([[requests, `${network} ${path}`]])
      if (wait > 0) throw tooMany(wait)
      return respond(request, peer)
    }
    const counted = [
      [attempts, `${network} ${path}`] as const,
      ...(site ? [[siteAttempts, `${site} ${path}`] as const] : []),
    ]
    const wait = countAll(counted)
    if (wait > 0) throw tooMany(wait)
    return attempt(request, peer).catch((error) => {
      if (isOutage(error)) for (const [each, key] of counted) each.undo(key)
      throw error
    })
  }
}

/** A client that retries until the database is back is not to be locked out then. */
const isOutage = (error: unknown): boolean =>
  error instanceof DomainError && error.kind === 'unavailable'

type Attempt = (request: Request, peer: string, known: boolean) => Promise<Response>

const inTurn = (respond: Respond): Attempt => {
  const queue = attemptQueue(LIMITS)
  return (request, peer, known) => {
    const { network, site = network } = networksOf(peer)
    return queue({ signal: request.signal, site, known }, () => respond(request, peer))
  }
}

const limitGuesses = (
  { secret, emailOf, onFailedAttempt }: AttemptOptions,
  attempt: Attempt,
): Respond => {
  const { begin, succeeded } = guesses()
  const accountOf = (email: string): string =>
    new Bun.CryptoHasher('sha256', secret).update(email.toLowerCase()).digest('hex').slice(0, 16)

  return async (request, peer) => {
    const path = pathOf(request)
    const email = await emailOf(request)
    if (email === undefined) return attempt(request, peer, false)
    const account = accountOf(email)
    const { network } = networksOf(peer)
    const guess = path === SIGN_UP ? NO_GUESS : begin(account, network)
    if (guess.wait > 0) throw tooMany(guess.wait)
    const response = await attempt(request, peer, guess.known).catch((error) => {
      guess.withdraw()
      throw error
    })
    if (response.ok) succeeded(account, network)
    if (isWrongPassword(path, response)) onFailedAttempt({ peer, account })
    else guess.withdraw()
    return response
  }
}

const NO_GUESS = { wait: 0, known: false, withdraw: (): void => {} }

const isWrongPassword = (path: string, { status }: Response): boolean =>
  path !== SIGN_UP && status === (path === SIGN_IN ? 401 : 400)

const pathOf = ({ url }: Request): string =>
  new URL(url).pathname.slice(BASE.length).replace(/\/+$/, '')

const tooMany = (retryAfter: number): DomainError =>
  new DomainError('too-many-requests', 'Too many attempts. Retry after the time in Retry-After.', {
    retryAfter,
  })
