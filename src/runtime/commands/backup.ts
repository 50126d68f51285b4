import type { Backup } from '../backup/folder.ts'
import { makeBackup } from '../backup/make.ts'
import { terminalProgress } from '../backup/progress.ts'
import { verifyBackup } from '../backup/verify.ts'
import { readConfig } from '../config.ts'

/** To BACKUP_DIR unless a folder is given. */
export const backup = async (
  version: string,
  given: string | undefined,
  keepText?: string,
): Promise<void> => {
  const config = readConfig(process.env)
  const keep = keepText === undefined ? undefined : Number(keepText)
  if (keep !== undefined && !(Number.isInteger(keep) && keep >= 1)) {
    throw new Error('--keep must be a whole number, at least 1.')
  }
  const folder = given ?? config.backups.folder
  const { progress, end } = terminalProgress()
  const made = await makeBackup(config, version, { folder, keep }, progress).finally(end)
  process.stdout.write(`${made.path}: ${summary(made)}\n`)
}

export const verify = async (version: string, path: string): Promise<void> => {
  const { progress, end } = terminalProgress()
  const config = readConfig(process.env)
  const verified = await verifyBackup(config, version, path, progress).finally(end)
  process.stdout.write(`${path}: ${summary(verified)}\n`)
}

const summary = ({ manifest: { users, tasks, files } }: Backup): string => {
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0)
  return `${tasks} tasks of ${users} users, ${(bytes / 1e6).toFixed(1)} MB, verified`
}
