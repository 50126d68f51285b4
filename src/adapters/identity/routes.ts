/** What a POST to the provider is limited by, besides its network; all others cost a look-up. */
export type Costs = Readonly<{
  /** It hashes a password. */
  hashes?: boolean
  /** Its response shows whether a password is right. */
  guesses?: boolean
  /** It sends mail to any address. */
  mails?: boolean
}>

const ATTEMPTS: Readonly<Record<string, Costs>> = {
  '/sign-up/email': { hashes: true, mails: true },
  '/sign-in/email': { hashes: true, guesses: true },
  '/delete-user': { hashes: true, guesses: true },
  '/change-password': { hashes: true, guesses: true },
  '/change-email': { hashes: true, guesses: true, mails: true },
  '/reset-password': { hashes: true },
  '/request-password-reset': { mails: true },
  '/send-verification-email': { mails: true },
}

export const BASE = '/api/auth'

/** Below `BASE`, without a slash at the end. */
export const pathOf = ({ url }: Pick<Request, 'url'>): string =>
  new URL(url).pathname.slice(BASE.length).replace(/\/+$/, '')

/** Undefined for what is no attempt. */
export const costsOf = (request: Request): Costs | undefined =>
  request.method === 'POST' ? ATTEMPTS[pathOf(request)] : undefined

export const isWrongPassword = async (request: Request, response: Response): Promise<boolean> => {
  const path = pathOf(request)
  if (!costsOf(request)?.guesses) return false
  if (path === '/sign-in/email') return response.status === 401
  if (response.status !== 400) return false
  const { code } = (await response.clone().json()) as { code?: string }
  return code === 'INVALID_PASSWORD'
}
