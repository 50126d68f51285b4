import { DomainError } from '../../domain/errors.ts'
import { attemptQueue } from './attempt-queue.ts'
import { countAll, counter } from './counter.ts'
import { guesses } from './guesses.ts'
import { LIMITS } from './limits.ts'
import { networksOf } from './network.ts'
import { costsOf, isWrongPassword, pathOf } from './routes.ts'

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
  /** Whether mail is configured. */
  mails?: boolean
  onFailedAttempt: (attempt: FailedAttempt) => void
}>

type Respond = (request: Request, peer: string) => Promise<Response>

/** Throws `too-many-requests` beyond a limit, and `unavailable` when too many attempts wait. */
export const limitAttempts = (respond: Respond, options: AttemptOptions): Respond => {
  const requests = counter(LIMITS.requestsPerNetwork)
  const attempts = counter(LIMITS.attemptsPerNetwork)
  const siteAttempts = counter(LIMITS.attemptsPerSite)
  const mails = counter(LIMITS.mailsPerAddress)
  const attempt = limitGuesses(options, inTurn(respond))
  return async (request, peer) => {
    const path = pathOf(request)
    const { network, site } = networksOf(peer)
    const costs = costsOf(request)
    if (!costs) {
      const wait = countAll([[requests, `${network} ${path}`]])
      if (wait > 0) throw tooMany(wait)
      return respond(request, peer)
    }
    const mailed = options.mails && costs.mails ? await recipientOf(request) : undefined
    const counted = [
      [attempts, `${network} ${path}`] as const,
      ...(site ? [[siteAttempts, `${site} ${path}`] as const] : []),
      ...(mailed ? [[mails, accountOf(options.secret, mailed)] as const] : []),
    ]
    const wait = countAll(counted)
    if (wait > 0) throw tooMany(wait)
    const response = attempt(request, peer).catch((error) => {
      if (isOutage(error)) for (const [each, key] of counted) each.undo(key)
      throw error
    })
    return mailed ? noSoonerThan(LIMITS.mailFloor, response) : response
  }
}

const recipientOf = async (request: Request): Promise<string | undefined> => {
  const { newEmail, email } = (await request.clone().json()) as Record<string, string>
  return newEmail ?? email
}

const noSoonerThan = async <Result>(
  milliseconds: number,
  pending: Promise<Result>,
): Promise<Result> => {
  const [outcome] = await Promise.allSettled([pending, Bun.sleep(milliseconds)])
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

const accountOf = (secret: string, email: string): string =>
  new Bun.CryptoHasher('sha256', secret).update(email.toLowerCase()).digest('hex').slice(0, 16)

/** A client that retries until the database is back is not to be locked out then. */
const isOutage = (error: unknown): boolean =>
  error instanceof DomainError && error.kind === 'unavailable'

type Attempt = (request: Request, peer: string, known: boolean) => Promise<Response>

const inTurn = (respond: Respond): Attempt => {
  const queue = attemptQueue(LIMITS)
  return (request, peer, known) => {
    if (!costsOf(request)?.hashes) return respond(request, peer)
    const { network, site = network } = networksOf(peer)
    return queue({ signal: request.signal, site, known }, () => respond(request, peer))
  }
}

const limitGuesses = (
  { secret, emailOf, mails, onFailedAttempt }: AttemptOptions,
  attempt: Attempt,
): Respond => {
  const { begin, succeeded } = guesses()
  return async (request, peer) => {
    const { guesses, hashes } = costsOf(request) ?? {}
    // With mail, a sign-up proves nothing: a known address gets the same response.
    const proves = guesses || (hashes && !mails)
    const email = proves ? await emailOf(request) : undefined
    if (email === undefined) return attempt(request, peer, false)
    const account = accountOf(secret, email)
    const { network } = networksOf(peer)
    const guess = guesses ? begin(account, network) : NO_GUESS
    if (guess.wait > 0) throw tooMany(guess.wait)
    const response = await attempt(request, peer, guess.known).catch((error) => {
      guess.withdraw()
      throw error
    })
    if (response.ok) succeeded(account, network)
    if (await isWrongPassword(request, response)) onFailedAttempt({ peer, account })
    else guess.withdraw()
    return response
  }
}

const NO_GUESS = { wait: 0, known: false, withdraw: (): void => {} }

const tooMany = (retryAfter: number): DomainError =>
  new DomainError('too-many-requests', 'Too many attempts. Retry after the time in Retry-After.', {
    retryAfter,
  })
