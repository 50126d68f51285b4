import { DomainError } from '../domain/errors.ts'
import type { UserId } from '../domain/task.ts'

export type ShareLimits = Readonly<{
  /** Held at once by all owners, and by one. */
  capacity: number
  perOwner: number
  /** Requests that may wait at once, of all owners and of one. */
  queue?: number
  queuePerOwner?: number
  /** Milliseconds that a request may wait. */
  patience?: number
}>

/** `settle` sets how much is held from now on, which may exceed the limits; 0 gives all back. */
export type Held = Readonly<{ settle(amount: number): void }>

export type FairShare = Readonly<{
  /** Throws `unavailable` when it has waited too long, or too many wait. */
  take(owner: UserId, amount: number): Promise<Held>
  held(): number
}>

type Waiting = Readonly<{ amount: number; proceed: (held: Held) => void }>

/** Owners that wait take turns, however many requests each has. */
export const fairShare = ({
  capacity,
  perOwner,
  queue = 200,
  queuePerOwner = 20,
  patience = 5000,
}: ShareLimits): FairShare => {
  const holding = new Map<UserId, number>()
  const waiting = new Map<UserId, Set<Waiting>>()
  let total = 0
  let queued = 0

  const add = (owner: UserId, amount: number): void => {
    const own = (holding.get(owner) ?? 0) + amount
    if (own > 0) holding.set(owner, own)
    else holding.delete(owner)
    total += amount
  }

  const fits = (owner: UserId, amount: number): boolean =>
    total + amount <= capacity && (holding.get(owner) ?? 0) + amount <= perOwner

  const hold = (owner: UserId, amount: number): Held => {
    let left = amount
    add(owner, amount)
    return {
      settle: (kept) => {
        add(owner, kept - left)
        left = kept
        advance()
      },
    }
  }

  const leave = (owner: UserId, own: Set<Waiting>, each: Waiting): void => {
    own.delete(each)
    queued--
    waiting.delete(owner)
    if (own.size > 0) waiting.set(owner, own)
  }

  const advance = (): void => {
    for (const [owner, own] of waiting) {
      if (total >= capacity) return
      const [next] = own
      if (!next || !fits(owner, next.amount)) continue
      leave(owner, own, next)
      next.proceed(hold(owner, next.amount))
    }
  }

  const wait = (owner: UserId, amount: number): Promise<Held> => {
    const own = waiting.get(owner) ?? new Set()
    if (queued >= queue || own.size >= queuePerOwner) throw tooBusy()
    const { promise, resolve, reject } = Promise.withResolvers<Held>()
    const timer = setTimeout(() => {
      leave(owner, own, each)
      reject(tooBusy())
    }, patience)
    const each: Waiting = {
      amount,
      proceed: (held) => {
        clearTimeout(timer)
        resolve(held)
      },
    }
    waiting.set(owner, own.add(each))
    queued++
    return promise
  }

  return {
    take: async (owner, amount) =>
      fits(owner, amount) && !waiting.has(owner) ? hold(owner, amount) : wait(owner, amount),
    held: () => total,
  }
}

const tooBusy = (): DomainError =>
  new DomainError('unavailable', 'Too many large requests are under way. Try again.')
