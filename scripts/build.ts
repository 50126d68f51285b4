import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildClient } from '../src/adapters/http/client-files.ts'

/**
 * Makes Taskport one executable file that needs nothing else, in `dist`. For other platforms than
 * this one Bun downloads its own executable from the npm registry or from GitHub.
 */

const USAGE = `  bun run build [--target <platform> | --all] [--outfile <path>]

  --target   linux-x64, linux-arm64, darwin-x64, darwin-arm64 or windows-x64; this machine's unless given
  --all      all of them`

const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'windows-x64'] as const
type Target = (typeof TARGETS)[number]

const ROOT = join(import.meta.dir, '..')

/** Threads are entry points of their own, found beside the first one. */
const ENTRIES = ['src/taskport.ts', ...new Bun.Glob('src/**/*-worker.ts').scanSync(ROOT)]

const build = async (target: Target | undefined, outfile: string): Promise<void> => {
  const { success, logs } = await Bun.build({
    entrypoints: ENTRIES.map((entry) => join(ROOT, entry)),
    naming: { entry: '[name].[ext]' },
    define: { EMBEDDED_CLIENT: JSON.stringify(await buildClient()) },
    compile: { outfile, ...(target && { target: `bun-${target}` }) },
    throw: false,
  })
  for (const log of logs) process.stderr.write(`${log}\n`)
  if (!success) throw new Error(`${outfile} could not be built.`)
  process.stdout.write(`${outfile}\n`)
}

try {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      all: { type: 'boolean' },
      outfile: { type: 'string', default: join(ROOT, 'dist/taskport') },
    },
  })
  const { target, all, outfile } = values
  const chosen = TARGETS.find((each) => each === target)
  if (target !== undefined && (all || !chosen)) throw new Error(USAGE)
  mkdirSync(join(outfile, '..'), { recursive: true })
  if (all) for (const each of TARGETS) await build(each, `${outfile}-${each}`)
  else await build(chosen, outfile)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}
