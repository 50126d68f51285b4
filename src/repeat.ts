/**
 * Runs a step now and then again `milliseconds` after each end, until it is stopped; `onError` is
 * told what a step throws.
 */
export const repeat = (
  milliseconds: number,
  step: () => Promise<unknown>,
  onError: (error: unknown) => void,
): (() => void) => {
  let stopped = false
  let timer: Timer | undefined
  const run = async (): Promise<void> => {
    await step().catch(onError)
    if (!stopped) timer = setTimeout(run, milliseconds)
  }
  void run()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
