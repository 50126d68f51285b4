import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * The secret of a server that signs users up itself: made once, readable by its owner alone; kept
 * nowhere without a path. Throws an Error that says what to do when it can neither be read nor made.
 */
export const localSecret = (path?: string): string => {
  if (path === undefined) return newSecret()
  try {
    return read(path) ?? create(path)
  } catch (error) {
    throw new Error(
      `Cannot keep a secret in ${path}: ${error instanceof Error ? error.message : error}. ` +
        'Make its folder writable, or set AUTH_SECRET.',
      { cause: error },
    )
  }
}

const newSecret = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')

/** Written whole under another name first, so that no process ever reads a part of it. */
const create = (path: string): string => {
  const secret = newSecret()
  const draft = `${path}.${process.pid}`
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(draft, `${secret}\n`, { mode: 0o600 })
  try {
    linkSync(draft, path)
    return secret
  } catch (error) {
    const taken = read(path)
    if (taken === undefined) throw error
    return taken
  } finally {
    rmSync(draft, { force: true })
  }
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
