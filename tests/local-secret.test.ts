import { expect, test } from 'bun:test'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { localSecret } from '../src/runtime/local-secret.ts'
import { temporaryFolder } from './support/folder.ts'

test('it is generated once, and readable by its owner alone', () => {
  const path = join(temporaryFolder(), 'data/secret')
  const secret = localSecret(path, () => false)
  expect(secret.length).toBeGreaterThanOrEqual(43)
  expect(localSecret(path, () => false)).toBe(secret)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(dirname(path))).toEqual(['secret'])
  expect(localSecret(join(temporaryFolder(), 'secret'), () => false)).not.toBe(secret)
})

test('processes that start at once agree on it', async () => {
  const path = join(temporaryFolder(), 'data/secret')
  const script = `
    const { localSecret } = await import('${import.meta.dir}/../src/runtime/local-secret.ts')
    console.log(localSecret('${path}', () => false))`
  const children = Array.from({ length: 6 }, () =>
    Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' }),
  )
  const secrets = await Promise.all(children.map(({ stdout }) => new Response(stdout).text()))
  expect(new Set(secrets).size).toBe(1)
  expect(secrets[0]?.trim()).toBe(localSecret(path, () => false))
})

test('a path where none can be stored is named, with what to do', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'secret'))
  expect(() => localSecret(join(folder, 'secret'), () => false)).toThrow(
    /Cannot store a secret in .*AUTH_SECRET\./s,
  )
})

test('one that is empty or too short is refused and stays as it is', () => {
  const path = join(temporaryFolder(), 'secret')
  for (const secret of ['', '\n', 'x'.repeat(31)]) {
    writeFileSync(path, secret)
    expect(() => localSecret(path, () => false)).toThrow(
      /must have at least 32 bytes.*AUTH_SECRET/s,
    )
    expect(readFileSync(path, 'utf8')).toBe(secret)
  }
  writeFileSync(path, ` ${'x'.repeat(32)}\n`)
  expect(localSecret(path, () => false)).toBe('x'.repeat(32))
})
