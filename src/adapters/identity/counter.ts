import { LRUCache } from 'lru-cache'
import { BOUND, type Limit } from './limits.ts'

export type Counter = ReturnType<typeof counter>

export const counter = ({ max, window }: Limit) => {
  const counts = new LRUCache<string, { count: number; ends: number }>(BOUND)
  const current = (key: string) => {
    const entry = counts.get(key)
    return entry && entry.ends > Date.now() ? entry : undefined
  }
  return {
    /** Milliseconds until one more is allowed. */
    wait: (key: string): number => {
      const entry = current(key)
      return entry && entry.count >= max ? entry.ends - Date.now() : 0
    },
    add: (key: string): void => {
      const entry = current(key)
      if (entry) entry.count++
      else counts.set(key, { count: 1, ends: Date.now() + window })
    },
    undo: (key: string): void => {
      const entry = current(key)
      if (entry && entry.count > 1) entry.count--
      else counts.delete(key)
    },
    forget: (key: string): void => void counts.delete(key),
  }
}

/** Counts one for each key, or none if any must wait; returns the milliseconds to wait. */
export const countAll = (keys: readonly (readonly [Counter, string])[]): number => {
  const wait = Math.max(0, ...keys.map(([counter, key]) => counter.wait(key)))
  if (wait === 0) for (const [counter, key] of keys) counter.add(key)
  return wait
}
