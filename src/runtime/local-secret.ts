import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { secretProblem } from '../adapters/jwt/secret-problem.ts'

/**
 * Readable by its owner alone. Generated when the file does not exist, unless it `isNeeded` to
 * decrypt something. Throws an Error that says what to do.
 */
export const localSecret = (path: string, isNeeded: () => boolean): string => {
  const present = storing(path, () => read(path))
  if (present === undefined && isNeeded()) throw unusable(path, 'is missing.')
  const secret = present ?? storing(path, () => create(path))
  const problem = secretProblem(secret)
  if (problem !== undefined) throw unusable(path, problem)
  return secret
}

const unusable = (path: string, problem: string): Error =>
  new Error(
    `The secret in ${path} ${problem} Restore it from a backup, or set AUTH_SECRET to what it was. ` +
      'If it is lost, delete it together with the signing keys that it encrypts (table jwks in ' +
      'auth.db beside it): a new one is generated at the next start, and all users have to sign in ' +
      'again.',
  )

const storing = <Result>(path: string, step: () => Result): Result => {
  try {
    return step()
  } catch (error) {
    throw new Error(
      `Cannot store a secret in ${path}: ${error instanceof Error ? error.message : error}. ` +
        'Make its folder writable, or set AUTH_SECRET.',
      { cause: error },
    )
  }
}

export const newSecret = (): string =>
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
    const present = read(path)
    if (present === undefined) throw error
    return present
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
