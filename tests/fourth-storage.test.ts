import { expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './support/folder.ts'
import { enter, startServer } from './support/server.ts'
import { within } from './support/wait.ts'

setDefaultTimeout(120_000)

const ROOT = join(import.meta.dir, '..')

/** All that docs/swap-the-storage.md asks for in `src` outside the new folder. */
const EDITS = [
  [
    'src/runtime/config.ts',
    `  | Readonly<{ kind: 'memory' }>\n`,
    `  | Readonly<{ kind: 'redis'; url: string }>\n`,
  ],
  [
    'src/runtime/config.ts',
    `  if (value === 'memory:') return { kind: 'memory' }\n`,
    `  if (value.startsWith('redis:')) return { kind: 'redis', url: value }\n`,
  ],
  [
    'src/runtime/storage.ts',
    `  const jobs = inProcessQueue({ onError })\n`,
    `  if (storage.kind === 'redis') {
    const { memoryStorage } = await import('../adapters/redis/storage.ts')
    return { ...memoryStorage(), jobs, reached: NOW, shared: false, close: () => {} }
  }\n`,
  ],
] as const

/** The project with a copy of the memory storage as a fourth one. */
const project = async (edits: readonly (readonly [string, string, string])[]): Promise<string> => {
  const folder = temporaryFolder()
  for (const name of ['src', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  cpSync(join(folder, 'src/adapters/memory'), join(folder, 'src/adapters/redis'), {
    recursive: true,
  })
  for (const [file, after, added] of edits) {
    const path = join(folder, file)
    const text = await Bun.file(path).text()
    expect(text.split(after)).toHaveLength(2)
    await Bun.write(
      path,
      text.replace(after, () => after + added),
    )
  }
  return folder
}

const typeErrors = async (folder: string): Promise<string> => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const child = Bun.spawn([process.execPath, tsc, '--noEmit', '-p', '.'], {
    cwd: folder,
    stdout: 'pipe',
  })
  return within(new Response(child.stdout).text(), 'The type checker should end.', 100_000)
}

test('a fourth storage needs no change outside what the README names', async () => {
  const folder = await project(EDITS)
  expect(await typeErrors(folder)).toBe('')
  const main = join(folder, 'src/main.ts')
  const server = await startServer(folder, { DATABASE_URL: 'redis://127.0.0.1:6379' }, [], main)
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const response = await fetch(`${server.url}/api/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"title":"Buy milk"}',
  })
  expect(response.status).toBe(201)
  expect(server.lines.find(({ msg }) => msg === 'listening')).toMatchObject({ storage: 'redis' })
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('without its branch the type checker names the place', async () => {
  expect(await typeErrors(await project(EDITS.slice(0, 2)))).toContain('src/runtime/storage.ts')
})
