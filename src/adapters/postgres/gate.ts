/** Runs at most `size` steps at once; `refuse` makes the error of one that waited `patience` ms in vain. */
export const gate = (size: number, patience: number, refuse: () => Error) => {
  let free = size
  const waiting = new Set<() => void>()

  const enter = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(proceed)
        reject(refuse())
      }, patience)
      const proceed = (): void => {
        clearTimeout(timer)
        resolve()
      }
      waiting.add(proceed)
    })

  const leave = (): void => {
    const [next] = waiting
    if (!next) {
      free++
      return
    }
    waiting.delete(next)
    next()
  }

  /** `started` is told when its turn has come; the place is given back when what it returns settles. */
  return async <Result>(step: () => Promise<Result>): Promise<Result> => {
    if (free > 0) free--
    else await enter()
    return step().finally(leave)
  }
}
