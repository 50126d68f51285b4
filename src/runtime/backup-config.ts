import { join } from 'node:path'
import type { ReadVariable, Storage } from './config.ts'

/** Made by the server `every` so many milliseconds, if at all. */
export type BackupConfig = Readonly<{ folder: string; every?: number; keep: number }>

const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1440 }

export const readBackups = (
  read: ReadVariable,
  dataFolder: string,
  storage: Storage['kind'],
): BackupConfig => {
  const every = read(
    'BACKUP_EVERY',
    undefined,
    (value) => {
      if (storage !== 'memory') return parseInterval(value)
      throw new Error('must be unset in memory, where nothing is stored.')
    },
    'must be a number of minutes, hours or days, such as 30m, 24h or 7d.',
  )
  const keep = read(
    'BACKUP_KEEP',
    7,
    (value) => (/^[1-9]\d{0,3}$/.test(value) ? Number(value) : undefined),
    'must be a whole number from 1 to 9999.',
  )
  const folder = read('BACKUP_DIR', join(dataFolder, 'backups'), (value) => value, '')
  return { folder, ...(every !== undefined && { every }), keep }
}

const parseInterval = (value: string): number | undefined => {
  const [, count, unit = ''] = /^(\d{1,3})([mhd])$/.exec(value) ?? []
  return Number(count) > 0 ? Number(count) * (MINUTES[unit] ?? 1) * 60_000 : undefined
}
