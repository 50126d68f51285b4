import { join } from 'node:path'
import { temporaryFolder } from './folder.ts'
import { within } from './wait.ts'

const ROOT = join(import.meta.dir, '../..')

/** Runs `scripts/build.ts`; returns the executable's path. */
export const buildExecutable = async (): Promise<string> => {
  const path = join(temporaryFolder(), 'taskport')
  const child = Bun.spawn([process.execPath, join(ROOT, 'scripts/build.ts'), '--outfile', path], {
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const errors = new Response(child.stderr).text()
  const code = await within(child.exited, 'The executable was not built.', 120_000)
  if (code !== 0) throw new Error(await errors)
  return path
}
