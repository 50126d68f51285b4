import type { Config } from '../config.ts'
import { digestsOf, throwIfDifferent } from './digests.ts'
import { type Backup, type Manifest, readManifest, throwIfChanged } from './folder.ts'
import type { Progress } from './progress.ts'
import { tryServer } from './trial.ts'
import { NO_TASKS, readDigests } from './users-file.ts'

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
    let sample = NO_TASKS
    try {
      progress('comparing')
      const expected = readDigests(path, (digest) => {
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
