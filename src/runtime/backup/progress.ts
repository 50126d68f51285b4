/** Says what is being done. */
export type Progress = (step: string) => void

const STEP_MS = 500

/** One line that is overwritten, on a terminal only. */
export const terminalProgress = (
  output: NodeJS.WriteStream = process.stderr,
): { progress: Progress; end(): void } => {
  if (!output.isTTY) return { progress: () => {}, end: () => {} }
  const began = performance.now()
  let step = ''
  const draw = (): void => {
    const seconds = Math.round((performance.now() - began) / 1000)
    output.write(`\r\x1b[K${step} … ${seconds} s`)
  }
  const timer = setInterval(draw, STEP_MS)
  return {
    progress: (next) => {
      step = next
      draw()
    },
    end: () => {
      clearInterval(timer)
      output.write('\r\x1b[K')
    },
  }
}
