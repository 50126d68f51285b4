import { accessSync, constants, existsSync } from 'node:fs'

/**
 * Installs what the lock file names. A folder that cannot be written has all of it. The server is
 * another process: Bun does not find packages that were installed after its own start.
 */

const root = `${import.meta.dir}/..`
const packages = `${root}/node_modules`

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

if (isWritable(existsSync(packages) ? packages : root)) {
  const install = ['install', '--frozen-lockfile', '--production', '--silent', '--cwd', root]
  const { exitCode } = Bun.spawnSync([process.execPath, ...install], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (exitCode !== 0) process.exit(1)
} else if (!existsSync(packages)) {
  process.stderr.write(
    'The folder of Taskport cannot be written and has no packages. Run ' +
      'bun install --frozen-lockfile --production there as a user who may write to it.\n',
  )
  process.exit(1)
}
