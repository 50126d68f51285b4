import type { Log } from '../../application/log.ts'
import type { BackupConfig } from '../backup-config.ts'
import type { ScheduledJob } from '../scheduler.ts'
import { thisProgram } from '../this-program.ts'
import { backupsIn, readManifest } from './folder.ts'

const MINUTE = 60_000

/** When the newest backup of a folder was made, in milliseconds; undefined without one. */
export const latestBackup = (folder: string): number | undefined => {
  const newest = backupsIn(folder).at(-1)
  return newest === undefined ? undefined : Date.parse(readManifest(newest).made_at)
}

/**
 * Makes a backup in a process of its own when the newest one is older than BACKUP_EVERY. Servers that
 * share a folder make one together.
 */
export const backupJob = (
  { folder, keep }: BackupConfig,
  every: number,
  log: Log,
): ScheduledJob<'make-backup'> & { stop(): void } => {
  let child: Bun.Subprocess | undefined
  const isDue = (): boolean => Date.now() - (latestBackup(folder) ?? 0) >= every

  const run = async (): Promise<undefined> => {
    if (!isDue()) return
    const started = Bun.spawn(thisProgram('backup', folder, '--keep', String(keep)), {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    const [, errors, code] = await Promise.all([
      new Response(started.stdout).text(),
      new Response(started.stderr).text(),
      started.exited,
    ])
    child = undefined
    const path = backupsIn(folder).at(-1)
    if (code === 0 && path !== undefined) {
      const { users, tasks } = readManifest(path)
      log.info({ path, users, tasks }, 'backup made')
    } else if (isDue()) {
      throw new Error(errors.trim() || `The backup ended with code ${code}.`)
    }
  }

  return { name: 'make-backup', every: MINUTE, run, stop: () => child?.kill('SIGKILL') }
}
