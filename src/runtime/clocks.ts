import type { Clock, NewId } from '../application/ports.ts'

/** The wall clock, except that it goes on where it was when that is set back. */
export const steadyClock = (
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): Clock => {
  let last = wall()
  let mark = monotonic()
  return () => {
    const present = monotonic()
    last = Math.max(last + Math.max(present - mark, 0), wall())
    mark = present
    return new Date(last).toISOString()
  }
}

const newId: NewId = (at) => Bun.randomUUIDv7('hex', Date.parse(at))

export const clocks = () => ({
  now: () => new Date().toISOString(),
  steadyNow: steadyClock(),
  newId,
  chance: Math.random,
})
