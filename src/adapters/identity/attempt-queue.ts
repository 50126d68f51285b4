import { DomainError } from '../../domain/errors.ts'

export type QueueLimits = Readonly<{
  /** Of clients that are known, and of others. */
  waitingAttempts: number
  waitingPerSite: number
  patience: number
  turn: number
}>

/** `known`: the account was signed in from this network before. */
export type Client = Readonly<{ signal: AbortSignal; site: string; known: boolean }>

type Waiting = Omit<Client, 'signal'> & Readonly<{ begin: () => void }>

/**
 * One attempt at a time, because each hash occupies a core, and whole attempts, because a sign-up
 * holds a database connection while it hashes. Known clients and others take turns, and so do sites,
 * so that a flood from many networks does not delay a client that signs in where it did before. Throws `unavailable` when too
 * many wait, and when the signal aborts or `patience` milliseconds have passed before it began.
 */
export const attemptQueue = ({ waitingAttempts, waitingPerSite, patience, turn }: QueueLimits) => {
  const waiting = new Set<Waiting>()
  let busy = false
  let last: Omit<Client, 'signal'> | undefined

  const next = (): void => {
    const all = [...waiting]
    const following =
      all.find(({ known }) => known !== last?.known) ??
      all.find(({ site }) => site !== last?.site) ??
      all[0]
    busy = following !== undefined
    following?.begin()
  }

  const isFull = ({ site, known }: Client): boolean => {
    const all = [...waiting]
    return (
      all.filter((other) => other.known === known).length >= waitingAttempts ||
      all.filter((other) => other.site === site).length >= waitingPerSite
    )
  }

  const wait = ({ signal, site, known }: Client): Promise<void> =>
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
      const each = { site, known, begin }
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        waiting.delete(each)
      }
      signal.addEventListener('abort', leave)
      waiting.add(each)
    })

  return async <Result>(client: Client, attempt: () => Promise<Result>): Promise<Result> => {
    if (client.signal.aborted || isFull(client)) throw tooBusy()
    if (busy) await wait(client)
    busy = true
    last = client
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
