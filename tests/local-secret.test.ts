import { expect, test } from 'bun:test'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { localSecret } from '../src/local-secret.ts'
import { temporaryFolder } from './support/folder.ts'

test("it is made once, and is its owner's alone", () => {
  const path = join(temporaryFolder(), 'data/secret')
  const secret = localSecret(path)
  expect(secret.length).toBeGreaterThanOrEqual(43)
  expect(localSecret(path)).toBe(secret)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(dirname(path))).toEqual(['secret'])
  expect(localSecret(join(temporaryFolder(), 'secret'))).not.toBe(secret)
})

test('processes that start at once agree on it', async () => {
  const path = join(temporaryFolder(), 'data/secret')
  const script = `
    const { localSecret } = await import('${import.meta.dir}/../src/local-secret.ts')
    console.log(localSecret('${path}'))`
  const children = Array.from({ length: 6 }, () =>
    Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' }),
  )
  const secrets = await Promise.all(children.map(({ stdout }) => new Response(stdout).text()))
  expect(new Set(secrets).size).toBe(1)
  expect(secrets[0]?.trim()).toBe(localSecret(path))
})

test('a place where none can be kept is named, with what to do', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'secret'))
  expect(() => localSecret(join(folder, 'secret'))).toThrow(
    /Cannot keep a secret in .*AUTH_SECRET\./s,
  )
})
