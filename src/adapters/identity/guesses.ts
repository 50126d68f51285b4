import { LRUCache } from 'lru-cache'
import { type Counter, countAll, counter } from './counter.ts'
import { BOUND, LIMITS } from './limits.ts'

/** Counts each guess when it begins, so that guesses at the same time are limited too. */
export const guesses = () => {
  const here = counter(LIMITS.failuresPerAccountAndNetwork)
  const anywhere = counter(LIMITS.failuresPerAccount)
  const known = new LRUCache<string, true>({ ...BOUND, ttl: LIMITS.knownNetwork })

  const begin = (account: string, network: string) => {
    const key = `${account} ${network}`
    const counts: (readonly [Counter, string])[] = [[here, key]]
    const isKnown = known.has(key)
    if (!isKnown) counts.push([anywhere, account])
    return {
      known: isKnown,
      /** Milliseconds until it is allowed. */
      wait: countAll(counts),
      withdraw: (): void => {
        for (const [counter, name] of counts) counter.undo(name)
      },
    }
  }

  const succeeded = (account: string, network: string): void => {
    known.set(`${account} ${network}`, true)
    here.forget(`${account} ${network}`)
  }

  return { begin, succeeded }
}
