import { chmodSync, copyFileSync, existsSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copySqlite } from '../../adapters/identity/sqlite-database.ts'
import { copyDatabase, readCopy, throwIfDamaged } from '../../adapters/sqlite/backup.ts'
import type { Copy } from '../../application/backup.ts'
import { type Config, secretPath } from '../config.ts'
import { databasePath } from '../identity.ts'
import type { OpenCopy } from './copies.ts'

const TASKS = 'taskport.db'
const ACCOUNTS = 'auth.db'
const SECRET = 'secret'

/** What a server leaves beside its databases. */
const LEFTOVERS = [`${TASKS}.lock`, `${TASKS}-wal`, `${TASKS}-shm`, `${ACCOUNTS}-journal`]

/** Without accounts to sign in with unless there are some. */
const configOf = ({ identity, ...config }: Config, folder: string): Config => ({
  ...config,
  ...(identity && existsSync(join(folder, ACCOUNTS)) && { identity }),
  storage: { kind: 'sqlite', path: join(folder, TASKS) },
  dataFolder: folder,
})

const checkFiles = (folder: string): void => {
  for (const name of [TASKS, ACCOUNTS].map((each) => join(folder, each))) {
    if (existsSync(name)) throwIfDamaged(name)
  }
}

/** Accounts after tasks: the account of a user with tasks is in the copy. */
export const copyToFolder = async (
  config: Config,
  path: string,
  folder: string,
): Promise<Copy & OpenCopy> => {
  const copy = await copyDatabase(path, join(folder, TASKS))
  const present = (file: string): boolean => config.identity !== undefined && existsSync(file)
  if (present(databasePath(config))) copySqlite(databasePath(config), join(folder, ACCOUNTS))
  if (config.identity?.secret === undefined && present(secretPath(config))) {
    copyFileSync(secretPath(config), join(folder, SECRET))
  }
  for (const name of [TASKS, ACCOUNTS, SECRET].map((each) => join(folder, each))) {
    if (existsSync(name)) chmodSync(name, 0o600)
  }
  checkFiles(folder)
  return {
    ...copy,
    config: configOf(config, folder),
    remove: async () => {
      for (const name of LEFTOVERS) rmSync(join(folder, name), { force: true })
    },
  }
}

/** A copy of a backup, which itself stays as it is; as large as that, in the folder for temporary files. */
export const openBackup = async (config: Config, backup: string): Promise<OpenCopy> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskport-verify-'))
  const remove = async (): Promise<void> => rmSync(folder, { recursive: true, force: true })
  try {
    for (const name of [TASKS, ACCOUNTS, SECRET]) {
      const from = join(backup, name)
      if (existsSync(from)) copyFileSync(from, join(folder, name))
    }
    checkFiles(folder)
    const { tasks, close } = readCopy(join(folder, TASKS))
    return { all: tasks, close, config: configOf(config, folder), remove }
  } catch (error) {
    await remove()
    throw error
  }
}
