const MAX_BACK_OFF_MS = 30_000
const MAX_RETRY_AFTER_MS = 300_000

export const backOff = (pause: number, failures: number): number =>
  Math.min(Math.max(pause, 1) * 2 ** (failures - 1), MAX_BACK_OFF_MS) * (0.5 + Math.random() / 2)

/** Milliseconds (RFC 9110 section 10.2.3), at most five minutes; dates by the server's clock. */
export const retryAfter = (headers: Headers): number => {
  const value = headers.get('retry-after')?.trim() ?? ''
  const pause = /^\d+$/.test(value)
    ? Number(value) * 1000
    : dateOf(value) - (dateOf(headers.get('date') ?? '') || Date.now())
  return pause > 0 ? Math.min(pause, MAX_RETRY_AFTER_MS) : 0
}

/** The asctime form of an HTTP date has no zone, though it means GMT (RFC 9110 section 5.6.7). */
const dateOf = (text: string): number => Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)

/** Resolves early when `signal` is aborted. */
export const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(done, milliseconds)
    function done(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done)
  })

export type Deadline = Readonly<{
  signal: AbortSignal
  race: <Value>(promise: Promise<Value>) => Promise<Value>
  extend: (milliseconds: number) => void
  clear: () => void
}>

/** Aborts its signal when the time is up, and when the caller's signal is aborted. */
export const startDeadline = (milliseconds: number, caller?: AbortSignal): Deadline => {
  const controller = new AbortController()
  const { signal } = controller
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  aborted.catch(() => {})
  const expire = (): void =>
    controller.abort(new DOMException('The attempt took too long.', 'TimeoutError'))
  let timer = setTimeout(expire, milliseconds)
  const clear = (): void => {
    clearTimeout(timer)
    caller?.removeEventListener('abort', cancel)
  }
  function cancel(): void {
    clear()
    controller.abort(caller?.reason)
  }
  if (caller?.aborted) cancel()
  caller?.addEventListener('abort', cancel)
  return {
    signal,
    race: (promise) => Promise.race([promise, aborted]),
    extend: (more) => {
      clearTimeout(timer)
      timer = setTimeout(expire, more)
    },
    clear,
  }
}
