import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installedBinaries } from './postgres-binaries.ts'

const bringsCitus = (binaries: string): boolean => {
  const program = join(binaries, 'pg_config')
  if (!existsSync(program)) return false
  const { stdout } = Bun.spawnSync([program, '--pkglibdir'])
  return existsSync(join(stdout.toString().trim(), 'citus.so'))
}

const installed = installedBinaries()

/** The folder of a PostgreSQL that has Citus. */
export const citusBinaries = installed && bringsCitus(installed) ? installed : undefined

/** A coordinator that is there already. */
export const CITUS_URL = process.env['TEST_CITUS_URL']

export const hasCitus = citusBinaries !== undefined || CITUS_URL !== undefined
