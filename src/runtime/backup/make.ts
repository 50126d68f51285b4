import { rmSync } from 'node:fs'
import type { Config } from '../config.ts'
import { digestsOf, throwIfDifferent } from './digests.ts'
import {
  type Backup,
  beginBackup,
  filesOf,
  finishBackup,
  keepNewest,
  type Manifest,
  openFolder,
} from './folder.ts'
import type { Progress } from './progress.ts'
import { tryServer } from './trial.ts'
import { type Totals, writeDigests } from './users-file.ts'

/**
 * Makes a backup in a new folder of `folder`, and verifies it before it gets its name. Throws an
 * Error that says what to do, and then leaves nothing.
 */
export const makeBackup = async (
  config: Config,
  version: string,
  { folder, keep }: Readonly<{ folder: string; keep?: number | undefined }>,
  progress: Progress,
): Promise<Backup> => {
  const release = openFolder(folder)
  let draft: string | undefined
  try {
    const madeAt = new Date().toISOString()
    draft = beginBackup(folder, madeAt)
    const copied = await copyTo(config, version, draft, progress)
    const manifest: Manifest = {
      format: 1,
      version,
      made_at: madeAt,
      storage: config.storage.kind === 'sqlite' ? 'sqlite' : 'postgres',
      ...copied,
      files: await filesOf(draft),
    }
    const path = finishBackup(draft, manifest)
    if (keep !== undefined) keepNewest(folder, keep)
    return { path, manifest }
  } catch (error) {
    if (draft) rmSync(draft, { recursive: true, force: true })
    throw explained(error, folder)
  } finally {
    release()
  }
}

const openCopy = async (config: Config, draft: string) => {
  const { storage } = config
  if (storage.kind === 'sqlite') {
    const { copyToFolder } = await import('./sqlite.ts')
    return copyToFolder(config, storage.path, draft)
  }
  if (storage.kind === 'postgres') {
    const { dumpToFolder } = await import('./postgres.ts')
    return dumpToFolder(config, storage, draft)
  }
  throw new Error(
    storage.kind === 'memory'
      ? 'With DATABASE_URL=memory: nothing is stored that could be backed up.'
      : 'Only SQLite and PostgreSQL can be backed up. Use the tools of this storage.',
  )
}

const copyTo = async (config: Config, version: string, draft: string, progress: Progress) => {
  progress('copying')
  const copy = await openCopy(config, draft)
  try {
    let totals: Totals
    try {
      progress('comparing')
      await throwIfDifferent(digestsOf(copy.original()), digestsOf(copy.copied()))
      totals = await writeDigests(copy.all(), draft)
    } finally {
      await copy.close()
    }
    progress('starting a server on the copy')
    await tryServer(copy.config, version, totals.sample)
    const { identity } = copy.config
    const secret: Manifest['secret'] = identity
      ? identity.secret
        ? 'AUTH_SECRET'
        : 'secret'
      : null
    return { secret, users: totals.users, tasks: totals.tasks }
  } finally {
    await copy.remove()
  }
}

const FULL = /^(ENOSPC|EDQUOT|EFBIG|SQLITE_FULL|SQLITE_IOERR_WRITE)$/

const explained = (error: unknown, folder: string): unknown => {
  if (!(error instanceof Error && 'code' in error && FULL.test(String(error.code)))) return error
  return new Error(
    `There is no room for a backup in ${folder}. Free some, or choose a folder on another disk. ` +
      'Nothing was kept of it.',
    { cause: error },
  )
}
