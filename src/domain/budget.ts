import { DomainError } from './errors.ts'

/** What a user may spend at once, and what returns every second. `stored` is in bytes. */
export const BUDGETS = {
  requests: { burst: 1000, perSecond: 50 },
  writes: { burst: 10_000, perSecond: 10 },
  stored: { burst: 64_000_000, perSecond: 1000 },
  pings: { burst: 10, perSecond: 1 / 10 },
  replays: { burst: 10, perSecond: 1 / 60 },
} as const

export type Budget = keyof typeof BUDGETS

const REASONS: Record<Budget, string> = {
  requests: 'You are sending too many requests.',
  writes: 'You are changing too much at once.',
  stored: 'You have stored too much in a short time.',
  pings: 'You have sent too many pings.',
  replays: 'You have started too many replays.',
}

/** `wait` is in milliseconds. */
export const budgetExceeded = (budget: Budget, wait: number): DomainError =>
  new DomainError('too-many-requests', `${REASONS[budget]} Retry after the time in Retry-After.`, {
    retryAfter: wait,
  })
