import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { tryLock } from '../../adapters/sqlite/lock.ts'

const MANIFEST = 'manifest.json'
const NAME = /^taskport-\d{4}-\d\d-\d\dT[\dZ-]+$/
const PARTIAL = '.partial-'

export type File = Readonly<{ bytes: number; sha256: string }>

export type Manifest = Readonly<{
  format: 1
  /** Of the program that made it. */
  version: string
  made_at: string
  storage: 'sqlite' | 'postgres'
  /** What holds the secret of the built-in sign-in; null without one. */
  secret: 'secret' | 'AUTH_SECRET' | null
  users: number
  tasks: number
  files: Readonly<Record<string, File>>
}>

export type Backup = Readonly<{ path: string; manifest: Manifest }>

/** Finished backups, the oldest first. */
export const backupsIn = (folder: string): string[] =>
  (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => NAME.test(name) && existsSync(join(folder, name, MANIFEST)))
    .sort()
    .map((name) => join(folder, name))

/** Throws an Error that says what is wrong with it. */
export const readManifest = (backup: string): Manifest => {
  const path = join(backup, MANIFEST)
  if (!existsSync(path)) {
    throw new Error(
      `${backup} is not a complete backup: it has no ${MANIFEST}. Name the folder of one backup, taskport-<time>.`,
    )
  }
  const manifest = parsed(path)
  if (manifest.format === 1) return manifest
  throw new Error(`${backup} has a newer format. Use Taskport ${manifest.version}.`)
}

const parsed = (path: string): Manifest => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest
  } catch (cause) {
    throw new Error(`${path} is not as it was when the backup was made. Use another backup.`, {
      cause,
    })
  }
}

/** Readable by its owner alone. Throws an Error while another backup is made there. */
export const openFolder = (folder: string): (() => void) => {
  const release = lockIn(folder)
  if (!release)
    throw new Error(`Another backup to ${folder} is in progress. Wait until it has finished.`)
  for (const name of readdirSync(folder)) {
    if (name.startsWith(PARTIAL)) rmSync(join(folder, name), { recursive: true, force: true })
  }
  return release
}

const lockIn = (folder: string): ReturnType<typeof tryLock> => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return tryLock(join(folder, '.lock'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause
    throw new Error(
      `Cannot write to ${folder}: ${reason}. Make it writable, or name another folder.`,
      {
        cause,
      },
    )
  }
}

/** Under a name that is not taken for a backup. */
export const beginBackup = (folder: string, at: string): string => {
  const draft = join(folder, `${PARTIAL}taskport-${at.replaceAll(/[:.]/g, '-')}`)
  mkdirSync(draft, { mode: 0o700 })
  return draft
}

/** Returns its path once it is on disk as a whole. */
export const finishBackup = (draft: string, manifest: Manifest): string => {
  const folder = join(draft, '..')
  writeFileSync(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })
  for (const name of readdirSync(draft)) sync(join(draft, name))
  sync(draft)
  const path = join(folder, basename(draft).slice(PARTIAL.length))
  renameSync(draft, path)
  sync(folder)
  return path
}

/** Removes the oldest ones, each at once under a name that is not taken for a backup. */
export const keepNewest = (folder: string, count: number): void => {
  for (const path of backupsIn(folder).slice(0, -count)) {
    const removed = join(folder, `${PARTIAL}${basename(path)}`)
    renameSync(path, removed)
    rmSync(removed, { recursive: true, force: true })
  }
}

const sync = (path: string): void => {
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

export const filesOf = async (folder: string): Promise<Record<string, File>> => {
  const files: Record<string, File> = {}
  for (const name of readdirSync(folder).sort()) {
    if (name !== MANIFEST) files[name] = await fileOf(join(folder, name))
  }
  return files
}

const fileOf = async (path: string): Promise<File> => {
  const hasher = new Bun.CryptoHasher('sha256')
  let bytes = 0
  for await (const chunk of Bun.file(path).stream()) {
    hasher.update(chunk)
    bytes += chunk.byteLength
  }
  return { bytes, sha256: hasher.digest('hex') }
}

/** Throws an Error that names the first file that is not as it was. */
export const throwIfChanged = async (backup: string, { files }: Manifest): Promise<void> => {
  for (const [name, { bytes, sha256 }] of Object.entries(files)) {
    const path = join(backup, name)
    if (!existsSync(path)) throw new Error(`${path} is missing. Use another backup.`)
    const found = await fileOf(path)
    if (found.bytes !== bytes || found.sha256 !== sha256) {
      throw new Error(`${path} is not as it was when the backup was made. Use another backup.`)
    }
  }
}
