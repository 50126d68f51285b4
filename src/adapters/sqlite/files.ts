import { chmodSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { DomainError } from '../../domain/errors.ts'

const SUFFIXES = ['', '-wal', '-shm', '.lock']

/** Also of a link to a file that does not exist yet. */
export const realPath = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    const target = linkTarget(path)
    if (target !== undefined) return realPath(resolve(dirname(path), target))
    return join(realpathSync(dirname(path)), basename(path))
  }
}

const linkTarget = (path: string): string | undefined => {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** Files that are made later take the mode of the database. */
export const restrictAccess = (path: string): void => {
  for (const suffix of SUFFIXES) {
    try {
      chmodSync(`${path}${suffix}`, 0o600)
    } catch {
      // It is not there, belongs to another user, or the file system has no modes.
    }
  }
}

const identityOf = (path: string): string => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found ? `${found.dev} ${found.ino}` : ''
}

/**
 * Throws `unavailable` when the database or its write-ahead log is not the file any more that is
 * open: what is written then is lost. It never opens them, since closing would drop SQLite's locks.
 */
export const fileCheck = (path: string): (() => void) => {
  const paths = [path, `${path}-wal`]
  const opened = paths.map(identityOf)
  return () => {
    const missing = paths.find((each, index) => identityOf(each) !== opened[index])
    if (missing === undefined) return
    throw new DomainError('unavailable', 'The storage cannot be used right now. Try again.', {
      cause: new Error(
        `${missing} was deleted or replaced while in use. Nothing is stored any more. Put it back, ` +
          'or stop Taskport, restore a backup and start again.',
      ),
    })
  }
}
