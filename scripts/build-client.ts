import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { description, license, version } from '../package.json'
import { buildClient } from '../src/adapters/http/client-files.ts'

/** Makes the package `taskport-client` in `dist/`, as a folder and as a tarball. */

const CLIENT = join(import.meta.dir, '../client')
const DIST = process.argv[2] ?? join(import.meta.dir, '../dist')
const folder = join(DIST, 'taskport-client')

const manifest = {
  name: 'taskport-client',
  version,
  description: `Client of Taskport: ${description}`,
  license,
  type: 'module',
  sideEffects: false,
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  types: './index.d.ts',
  files: ['index.js', 'index.d.ts'],
  engines: { node: '>=20' },
}

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const { script, types } = await buildClient()
await Promise.all([
  Bun.write(join(folder, 'index.js'), script),
  Bun.write(join(folder, 'index.d.ts'), types),
  Bun.write(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`),
  ...['README.md', 'LICENSE'].map((name) =>
    Bun.write(join(folder, name), Bun.file(join(CLIENT, name))),
  ),
])
const packed = Bun.spawn([process.execPath, 'pm', 'pack', '--quiet', '--destination', DIST], {
  cwd: folder,
  stdout: 'ignore',
  stderr: 'inherit',
})
if ((await packed.exited) !== 0) process.exit(1)
process.stdout.write(`${join(DIST, `taskport-client-${version}.tgz`)}\n`)
