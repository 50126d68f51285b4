import { TaskportError } from './error.ts'
import type { betterAuthToken as Declared } from './types.ts'

type Held = Readonly<{ token: string; until: number }>

/** A token is renewed so many milliseconds before it expires. */
const MARGIN_MS = 30_000

export const betterAuthToken: typeof Declared = (client) => {
  let held: Held | undefined
  let pending: Promise<string | undefined> | undefined

  const forget = (): void => {
    held = undefined
    pending = undefined
  }

  const fetchToken = async (): Promise<string | undefined> => {
    const { data, error } = await client.token()
    if (error && error.status !== 401) {
      throw new TaskportError(error.status, { detail: error.message })
    }
    return data?.token
  }

  /** What was asked for before `forget` is returned, as its caller is of that time, but not kept. */
  const renew = (): Promise<string | undefined> => {
    held = undefined
    const current = fetchToken()
      .then((token) => {
        if (token && pending === current) held = { token, until: Date.now() + lifetimeOf(token) }
        return token
      })
      .finally(() => {
        if (pending === current) pending = undefined
      })
    pending = current
    return current
  }

  client.$store?.listen('$sessionSignal', forget)

  const token = async (refused?: string): Promise<string | undefined> => {
    if (held && held.token !== refused && Date.now() < held.until) return held.token
    return pending ?? renew()
  }
  return Object.assign(token, { forget })
}

/** Milliseconds, by the claims alone: the clock of a device may be wrong. */
const lifetimeOf = (token: string): number => {
  try {
    const payload = token.split('.')[1] ?? ''
    const { iat, exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    const lifetime = (exp - iat) * 1000
    return lifetime > 0 ? Math.max(lifetime - MARGIN_MS, lifetime / 2) : 0
  } catch {
    return 0
  }
}
