import type pg from 'pg'
import type { PoolClient } from 'pg'
import type { Address } from './url.ts'

/** Connects at the address that worked last, else at each other one. */
export const rotation = (pool: pg.Pool, addresses: readonly Address[]) => {
  let current = 0

  const next = (failed: number): void => {
    if (failed !== current) return
    current = (current + 1) % addresses.length
    Object.assign(pool.options, { host: undefined, port: undefined }, addresses[current])
  }

  return async (): Promise<PoolClient> => {
    for (let attempts = addresses.length; ; ) {
      const tried = current
      try {
        return await pool.connect()
      } catch (error) {
        if (--attempts === 0 || isTooBusy(error)) throw error
        next(tried)
      }
    }
  }
}

/** The pool's own words: every connection stayed in use. */
const isTooBusy = (error: unknown): boolean =>
  error instanceof Error && error.message === 'timeout exceeded when trying to connect'
