import { createWriteStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { TaskRows } from '../../application/backup.ts'
import type { Config } from '../config.ts'
import { digestsOf, type OwnerDigest, throwIfDifferent } from './digests.ts'
import {
  beginBackup,
  filesOf,
  finishBackup,
  keepNewest,
  type Manifest,
  openFolder,
  readManifest,
  throwIfChanged,
} from './folder.ts'
import type { Progress } from './progress.ts'
import { tryServer } from './trial.ts'

const USERS = 'users.ndjson'

/** A list without tasks is read when there are none. */
const NOBODY: OwnerDigest = { user: 'nobody', tasks: 0, revision: 0, sha256: '' }

export type Backup = Readonly<{ path: string; manifest: Manifest }>

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

type Totals = Readonly<{ users: number; tasks: number; sample: OwnerDigest }>

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
      totals = await writeDigests(copy.all(), join(draft, USERS))
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

const writeDigests = async (rows: TaskRows, path: string): Promise<Totals> => {
  const stream = createWriteStream(path, { mode: 0o600 })
  const written = finished(stream)
  written.catch(() => {})
  let [users, tasks, sample] = [0, 0, NOBODY]
  for await (const digest of digestsOf(rows)) {
    users++
    tasks += digest.tasks
    if (digest.tasks > sample.tasks) sample = digest
    if (!stream.write(`${JSON.stringify(digest)}\n`)) {
      await Promise.race([new Promise((resolve) => stream.once('drain', resolve)), written])
    }
  }
  stream.end()
  await written
  return { users, tasks, sample }
}

/** Throws an Error that says what is wrong with a backup. */
export const verifyBackup = async (
  config: Config,
  version: string,
  path: string,
  progress: Progress,
): Promise<Backup> => {
  const manifest = readManifest(path)
  progress('reading the files')
  await throwIfChanged(path, manifest)
  const { storage } = config
  const restored = withSecretOf(manifest, config)
  progress('restoring')
  if (manifest.storage === 'postgres' && storage.kind !== 'postgres') {
    throw new Error(
      'This is a backup of a PostgreSQL database. Set DATABASE_URL to a server on which it can be ' +
        'restored into a database of its own.',
    )
  }
  const copy =
    storage.kind === 'postgres' && manifest.storage === 'postgres'
      ? await (await import('./postgres.ts')).restoreDump(restored, storage, path)
      : await (await import('./sqlite.ts')).openBackup(restored, path)
  try {
    let sample = NOBODY
    try {
      progress('comparing')
      const expected = readDigests(join(path, USERS), (digest) => {
        if (digest.tasks > sample.tasks) sample = digest
      })
      await throwIfDifferent(expected, digestsOf(copy.all()))
    } finally {
      await copy.close()
    }
    progress('starting a server on the copy')
    await tryServer(copy.config, version, sample)
  } finally {
    await copy.remove()
  }
  return { path, manifest }
}

/** Tokens of another identity provider need no accounts. */
const withSecretOf = ({ secret }: Manifest, config: Config): Config => {
  const { identity, ...rest } = config
  if (secret === null) return rest
  if (secret === 'secret') return { ...config, identity: { signUp: 'closed', passwords: true } }
  if (identity?.secret !== undefined) return config
  throw new Error('The secret of this backup is not in it. Set AUTH_SECRET to what it was.')
}

async function* readDigests(
  path: string,
  onDigest: (digest: OwnerDigest) => void,
): AsyncGenerator<OwnerDigest> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of Bun.file(path).stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const digest = JSON.parse(line) as OwnerDigest
      onDigest(digest)
      yield digest
    }
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
