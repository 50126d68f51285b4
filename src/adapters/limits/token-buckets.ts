import { TokenBucket } from 'limiter'
import { LRUCache } from 'lru-cache'
import type { Budgets } from '../../application/ports.ts'
import { BUDGETS, type Budget } from '../../domain/budget.ts'
import type { UserId } from '../../domain/task.ts'

/** Users whose budgets are remembered; those who were active last, so no one gains by being forgotten. */
const USERS = 10_000

/** In this process alone, full at its start. `factor` multiplies all budgets. */
export const tokenBuckets = (factor = 1): Budgets => {
  const users = new LRUCache<UserId, Partial<Record<Budget, TokenBucket>>>({ max: USERS })

  const bucketOf = (user: UserId, budget: Budget): TokenBucket => {
    const own = users.get(user) ?? {}
    const known = own[budget]
    if (known) return known
    const bucket = fullBucket(budget, factor)
    users.set(user, { ...own, [budget]: bucket })
    return bucket
  }

  return {
    spend: (user, budget, amount) => {
      const bucket = bucketOf(user, budget)
      const taken = bucket.tryRemoveTokens(amount)
      const wait = taken ? 0 : bucket.getWaitTime(Math.min(amount, bucket.bucketSize))
      const { bucketSize, content, tokensPerInterval } = bucket
      const reset = ((bucketSize - content) / tokensPerInterval) * 1000
      return { left: Math.floor(content), wait, reset }
    },
  }
}

const fullBucket = (budget: Budget, factor: number): TokenBucket => {
  const { burst, perSecond } = BUDGETS[budget]
  const bucket = new TokenBucket({
    bucketSize: burst * factor,
    tokensPerInterval: perSecond * factor,
    interval: 'second',
  })
  bucket.content = bucket.bucketSize
  return bucket
}

export const unlimited: Budgets = {
  spend: (_, budget) => ({ left: BUDGETS[budget].burst, wait: 0, reset: 0 }),
}
