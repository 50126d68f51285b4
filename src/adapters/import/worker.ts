import { Unreadable } from './formats/format.ts'
import type { ImportRequest, ImportResponse } from './index.ts'
import { readImport } from './read.ts'

declare const self: Worker

const respond = (response: ImportResponse): void => self.postMessage(response)

self.onmessage = async ({ data }: MessageEvent<ImportRequest>) => {
  try {
    respond({ parsed: await readImport(data.owner, data.format, data.bytes) })
  } catch (error) {
    if (error instanceof Unreadable) respond({ unreadable: error.message })
    else respond({ error: error instanceof Error ? error : new Error(String(error)) })
  }
}
