import { AsyncLocalStorage } from 'node:async_hooks'
import { DomainError } from '../../domain/errors.ts'

type RequestState = {
  /** The first one that its statements met. */
  outage?: DomainError
  /** Of the password of a sign-up, hashed before its transaction begins. */
  passwordHash?: string
}

const current = new AsyncLocalStorage<RequestState>()

/** Undefined outside of requests. */
export const requestState = (): RequestState | undefined => current.getStore()

/**
 * Throws an outage that a statement met, whatever came of it: the library catches some errors and
 * responds as if there were no session.
 */
export const asRequest = async <Result>(step: () => Promise<Result>): Promise<Result> => {
  const state: RequestState = {}
  const result = current.run(state, step)
  await result.catch(() => {})
  if (state.outage) throw state.outage
  return result
}

/** Noted for the current request. */
export const outage = (cause: unknown): DomainError => {
  const error = unavailable(cause)
  const state = requestState()
  if (state) state.outage ??= error
  return error
}

export const unavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'Signing in is not possible right now. Try again.', { cause })
