import { Resolver, setServers } from 'node:dns'
import { LRUCache } from 'lru-cache'

/** All addresses of the name; rejects when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>

const DEADLINE_MS = 2000

/** Shorter than the pause before the first retry of a delivery. */
const SILENCE_KEPT_MS = 4000

/** Between two looks at the system's configuration, which c-ares itself reads only once. */
const SERVERS_KEPT_MS = 5000

const systemServers = (): string[] => new Resolver().getServers()

/**
 * Uses no thread: those of getaddrinfo are few and shared with password hashing, so that names whose
 * servers never respond would stop sign-ins. Honours the hosts file and the search domains. A name
 * without an answer in 2 seconds is not looked up again for 4 seconds.
 */
export const resolver = (): Resolve => {
  const silent = new LRUCache<string, true>({ max: 10_000, ttl: SILENCE_KEPT_MS })
  let servers = systemServers().join()
  let nextRead = performance.now() + SERVERS_KEPT_MS

  const followSystem = (): void => {
    if (performance.now() < nextRead) return
    nextRead = performance.now() + SERVERS_KEPT_MS
    const present = systemServers()
    if (present.join() === servers) return
    servers = present.join()
    setServers(present)
  }

  return async (host) => {
    if (silent.has(host)) throw noAnswer(host)
    followSystem()
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      silent.set(host, true)
      reject(noAnswer(host))
    }, DEADLINE_MS)
    try {
      const found = await Promise.race([Bun.dns.lookup(host, { backend: 'c-ares' }), late])
      return found.map(({ address }) => address)
    } finally {
      clearTimeout(timer)
    }
  }
}

const noAnswer = (host: string): Error => new Error(`No DNS server responded for ${host}.`)
