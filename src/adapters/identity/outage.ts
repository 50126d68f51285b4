import { AsyncLocalStorage } from 'node:async_hooks'
import { DomainError } from '../../domain/errors.ts'

type Seen = { outage?: DomainError }

const current = new AsyncLocalStorage<Seen>()

/** Noted for the request that it happened in. */
export const outage = (cause: unknown): DomainError => {
  const error = unavailable(cause)
  const seen = current.getStore()
  if (seen) seen.outage ??= error
  return error
}

/**
 * Throws the first outage within `step`, whatever came of it: the library catches some errors and
 * responds as if there were no session.
 */
export const throwingOutages = async <Result>(step: () => Promise<Result>): Promise<Result> => {
  const seen: Seen = {}
  const result = current.run(seen, step)
  await result.catch(() => {})
  if (seen.outage) throw seen.outage
  return result
}

export const unavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'Signing in is not possible right now. Try again.', { cause })
