const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** In a window of milliseconds that begins with the first. */
export type Limit = Readonly<{ max: number; window: number }>

/** An attempt is a request that hashes a password or sends mail. A network is an IPv4 address or an IPv6 /64. */
export const LIMITS = {
  requestsPerNetwork: { max: 100, window: 10 * SECOND },
  attemptsPerNetwork: { max: 10, window: MINUTE },
  /** An IPv6 /48, which a single customer may have (RFC 6177). */
  attemptsPerSite: { max: 30, window: MINUTE },
  failuresPerAccountAndNetwork: { max: 10, window: 15 * MINUTE },
  /** Not in networks that the account was signed in from: no attack locks its owner out there. */
  failuresPerAccount: { max: 50, window: 15 * MINUTE },
  /** Requests that may send one. */
  mailsPerAddress: { max: 5, window: HOUR },
  /** Milliseconds for which a network stays known. */
  knownNetwork: 30 * DAY,
  waitingAttempts: 16,
  waitingPerSite: 8,
  /** Milliseconds that an attempt waits at most. */
  patience: 8 * SECOND,
  /** Milliseconds after which the next attempt no longer waits for this one. */
  turn: 9 * SECOND,
  /** Milliseconds that a response takes at least if it may send mail, whether it does or not. */
  mailFloor: 300,
} as const

/** The least recently used are forgotten first. Unlike `max`, it reserves no memory. */
export const BOUND = { maxSize: 20_000, sizeCalculation: () => 1 } as const
