import { writeSync } from 'node:fs'

/** Writes of so many bytes to a pipe are atomic on Linux (pipe(7)): processes may share one. */
const PIPE_BUF = 4096

const LINE_FEED = 10

export type Output = Readonly<{
  write(line: string): void
  flush(): void
}>

/**
 * Lines of processes that share a pipe never mix, unless longer than 4 KiB. A slow reader holds the
 * process up; one that is gone loses the lines.
 */
export const bufferedOutput = (fd: number, { interval = 100, size = 65_536 } = {}): Output => {
  let pending = ''
  let timer: Timer | undefined

  const flush = (): void => {
    if (pending === '') return
    const bytes = Buffer.from(pending)
    pending = ''
    for (let start = 0; start < bytes.length; ) {
      const end = endOfLines(bytes, start)
      writeAll(fd, bytes.subarray(start, end))
      start = end
    }
  }

  const tick = (): void => {
    timer = pending === '' ? undefined : setTimeout(tick, interval).unref()
    flush()
  }

  return {
    write: (line) => {
      pending += line
      if (timer === undefined) tick()
      else if (pending.length >= size) flush()
    },
    flush,
  }
}

/** Past as many whole lines as fit, or one. */
const endOfLines = (bytes: Buffer, start: number): number => {
  if (bytes.length - start <= PIPE_BUF) return bytes.length
  const last = bytes.lastIndexOf(LINE_FEED, start + PIPE_BUF - 1)
  return (last >= start ? last : bytes.indexOf(LINE_FEED, start)) + 1
}

const writeAll = (fd: number, bytes: Buffer): void => {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EAGAIN') Bun.sleepSync(1)
      else if (code !== 'EINTR') return
    }
  }
}
