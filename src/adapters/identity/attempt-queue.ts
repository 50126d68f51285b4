import { DomainError } from '../../domain/errors.ts'

export type QueueLimits = Readonly<{ waitingAttempts: number; patience: number; turn: number }>

/**
 * One attempt at a time, because each hash occupies a core, and whole attempts, because a sign-up
 * holds a database connection while it hashes. Throws `unavailable` when it is full, and when the
 * signal aborts or `patience` milliseconds have passed before the attempt began.
 */
export const attemptQueue = ({ waitingAttempts, patience, turn }: QueueLimits) => {
  const waiting = new Set<() => void>()
  let busy = false

  const next = (): void => {
    const [begin] = waiting
    busy = begin !== undefined
    begin?.()
  }

  const wait = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        end()
        reject(tooBusy())
      }
      const begin = (): void => {
        end()
        resolve()
      }
      const timer = setTimeout(leave, patience)
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        waiting.delete(begin)
      }
      signal.addEventListener('abort', leave)
      waiting.add(begin)
    })

  return async <Result>(signal: AbortSignal, attempt: () => Promise<Result>): Promise<Result> => {
    if (signal.aborted || waiting.size >= waitingAttempts) throw tooBusy()
    if (busy) await wait(signal)
    busy = true
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const timer = setTimeout(end, turn)
    void over.then(next)
    return attempt().finally(() => {
      clearTimeout(timer)
      end()
    })
  }
}

const tooBusy = (): DomainError =>
  new DomainError(
    'unavailable',
    'Too many sign-ins are waiting. Try again after the time in Retry-After.',
  )
