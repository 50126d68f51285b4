import { accessSync, constants, existsSync } from 'node:fs'

/** Installs what the lock file names and serves. A folder that cannot be written has all of it. */

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
  const { BUN_JSC_forceRAMSize: _, ...env } = process.env
  const install = ['install', '--frozen-lockfile', '--production', '--silent', '--cwd', root]
  const { exitCode } = Bun.spawnSync([process.execPath, ...install], {
    env,
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
await import('../src/main.ts')
