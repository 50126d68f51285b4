const DEADLINE_MS = 10_000
const PAUSE_MS = 5

/** What was waited for; a function is called at the deadline, to say how far things got. */
type Expected = string | (() => string)

/** The outcome of a promise; rejects with what was expected when it has not settled in time. */
export const within = async <T>(
  promise: PromiseLike<T>,
  expected: Expected,
  milliseconds = DEADLINE_MS,
): Promise<T> => {
  const { promise: deadline, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(overdue(expected, milliseconds)), milliseconds)
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Repeats a check until it returns something truthy, and returns that. A check that throws is repeated
 * as well; its last error is the cause of the one at the deadline. For what has no event to wait for.
 */
export const eventually = async <T>(
  check: () => T | Promise<T>,
  expected: Expected,
  milliseconds = DEADLINE_MS,
): Promise<T> => {
  const end = Date.now() + milliseconds
  for (let cause: unknown; ; await Bun.sleep(PAUSE_MS)) {
    const left = end - Date.now()
    if (left <= 0) throw overdue(expected, milliseconds, cause)
    try {
      const result = await within(Promise.resolve(check()), expected, left)
      if (result) return result
    } catch (error) {
      cause = error
    }
  }
}

const overdue = (expected: Expected, milliseconds: number, cause?: unknown): Error => {
  const text = typeof expected === 'string' ? expected : expected()
  return new Error(`Not within ${milliseconds} ms: ${text}`, cause === undefined ? {} : { cause })
}
