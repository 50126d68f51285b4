import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * The secret of a server that has no keys configured: made once, readable by its owner alone.
 * Throws an Error that says what to do when it can neither be read nor made.
 */
export const localSecret = (path: string): string => {
  try {
    return create(path) ?? readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new Error(
      `Cannot keep a secret in ${path}: ${error instanceof Error ? error.message : error}. ` +
        'Make its folder writable, or set BETTER_AUTH_SECRET or AUTH_JWKS_URL.',
      { cause: error },
    )
  }
}

/** Undefined when it is there already, also when another process was faster. */
const create = (path: string): string | undefined => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
  try {
    const file = openSync(path, 'wx', 0o600)
    writeSync(file, `${secret}\n`)
    closeSync(file)
    return secret
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
    throw error
  }
}
