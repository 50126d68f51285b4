import { Database } from 'bun:sqlite'

declare const self: Worker

/** Receives a source and a target; responds with an error's message and code, or neither. */
self.onmessage = ({ data: [source, target] }: MessageEvent<[string, string]>) => {
  try {
    const db = new Database(source, { readwrite: true, create: false })
    try {
      db.run('vacuum into ?', [target])
    } finally {
      db.close()
    }
    self.postMessage({})
  } catch (error) {
    const { message, code } = error as Error & { code?: string }
    self.postMessage({ message, code })
  }
}
