import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'

/** Kept free for databases and files. */
const RESERVE = 8

const CHECK_MS = 250

const hasReserve = (): boolean => {
  const opened: number[] = []
  try {
    for (let n = 0; n < RESERVE; n++) opened.push(openSync(devNull, 'r'))
    return true
  } catch {
    return false
  } finally {
    for (const descriptor of opened) closeSync(descriptor)
  }
}

/**
 * Calls `pause` when the process runs out of file descriptors, `resume` when it has some again. A
 * socket that listens then would wake the event loop without end for connections it cannot accept.
 */
export const watchDescriptors = (pause: () => void, resume: () => void): (() => void) => {
  let paused = false
  const timer = setInterval(() => {
    if (hasReserve() === !paused) return
    try {
      if (paused) resume()
      else pause()
      paused = !paused
    } catch {
      // The port or the descriptors were taken meanwhile: the next check tries again.
    }
  }, CHECK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
