import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { openSnapshot, restoreToScratch, type Scratch } from '../../adapters/postgres/backup.ts'
import type { Copy } from '../../application/backup.ts'
import type { Config, Storage } from '../config.ts'
import type { OpenCopy } from './copies.ts'

const DUMP = 'taskport.dump'

type PostgresConfig = Storage & { kind: 'postgres' }

const opened = (config: Config, storage: PostgresConfig, scratch: Scratch): OpenCopy => ({
  all: scratch.tasks,
  close: scratch.endReading,
  config: { ...config, storage: { ...storage, url: scratch.url, poolSize: 2 } },
  remove: scratch.drop,
})

/** Restored into a database of its own, where it is compared and started. */
export const dumpToFolder = async (
  config: Config,
  storage: PostgresConfig,
  folder: string,
): Promise<Copy & OpenCopy> => {
  const snapshot = await openSnapshot(storage.url)
  try {
    await snapshot.dumpTo(join(folder, DUMP))
    chmodSync(join(folder, DUMP), 0o600)
    const copy = opened(config, storage, await restoreToScratch(storage.url, join(folder, DUMP)))
    return {
      ...copy,
      original: snapshot.tasks,
      copied: copy.all,
      close: async () => {
        await copy.close()
        await snapshot.close()
      },
    }
  } catch (error) {
    await snapshot.close()
    throw error
  }
}

export const restoreDump = async (
  config: Config,
  storage: PostgresConfig,
  backup: string,
): Promise<OpenCopy> =>
  opened(config, storage, await restoreToScratch(storage.url, join(backup, DUMP)))
