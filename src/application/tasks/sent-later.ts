import type { Task } from '../../domain/task.ts'
import type { Held } from '../fair-share.ts'
import type { Json } from '../json.ts'
import { turn } from '../turn.ts'

/** Up to so many bytes a list is sent as a whole. */
export const SENT_WHOLE = 2 ** 18

/** Milliseconds after which a list that is not passed on is dropped. */
const STALL_MS = 30_000

export const sizeOf = (chunks: readonly Uint8Array[]): number =>
  chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)

export const textOf = (chunks: readonly Uint8Array[]): string => {
  const decoder = new TextDecoder()
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('')
}

/** Gives back what has been passed on, and everything when nothing is asked for any more. */
export const sentLater = (
  chunks: readonly Uint8Array[],
  held: Held,
  stall = STALL_MS,
): Json<readonly Task[]> => {
  let left = [...chunks]
  let drop = (): void => {}
  const end = (): void => {
    clearTimeout(timer)
    left = []
    held.settle(0)
  }
  const timer = setTimeout(() => {
    drop()
    end()
  }, stall)
  const settle = (): void => held.settle(sizeOf(left))
  settle()

  let whole: string | undefined
  const text = (): string => {
    whole ??= textOf(left)
    end()
    return whole
  }
  const stream = (): ReadableStream<Uint8Array> =>
    new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          drop = () => controller.error(new Error('The client does not read its list.'))
        },
        pull: async (controller) => {
          timer.refresh()
          // Without a turn of the event loop a fast client would have it to itself.
          await turn()
          const chunk = left.shift()
          if (chunk) controller.enqueue(chunk)
          if (left.length > 0) return settle()
          controller.close()
          end()
        },
        cancel: end,
      },
      { highWaterMark: 0 },
    )
  return { text, value: () => JSON.parse(text()), stream }
}
