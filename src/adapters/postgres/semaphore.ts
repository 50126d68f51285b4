/** `tooBusy` makes the error of a step that waited `patience` milliseconds in vain. */
export const semaphore = (size: number, patience: number, tooBusy: () => Error) => {
  let free = size
  const waiting = new Set<() => void>()

  const acquire = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(proceed)
        reject(tooBusy())
      }, patience)
      const proceed = (): void => {
        clearTimeout(timer)
        resolve()
      }
      waiting.add(proceed)
    })

  const release = (): void => {
    const [next] = waiting
    if (!next) {
      free++
      return
    }
    waiting.delete(next)
    next()
  }

  const run = async <Result>(step: () => Promise<Result>): Promise<Result> => {
    if (free > 0) free--
    else await acquire()
    return step().finally(release)
  }

  return { run, /** Those that run and those that wait. */ steps: () => size - free + waiting.size }
}
