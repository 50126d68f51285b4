import { expect, test } from 'bun:test'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../..')

type Check = readonly [number: string, check: string, file: string, test: string, result: string]

const checks = async (): Promise<Check[]> => {
  const text = await Bun.file(join(ROOT, 'docs/reliability.md')).text()
  const rows = text.split('\n').filter((line) => /^\| \d+ \|/.test(line))
  return rows.map((row) => row.slice(2, -2).split(' | ') as unknown as Check)
}

test('every check of docs/reliability.md is a test that exists', async () => {
  const all = await checks()
  expect(all.map(([number]) => Number(number))).toEqual(all.map((_, n) => n + 1))
  expect(all.length).toBeGreaterThanOrEqual(58)
  for (const [number, , file, title] of all) {
    const source = await Bun.file(join(ROOT, file.replaceAll('`', ''))).text()
    expect([number, source.includes(title)]).toEqual([number, true])
  }
})
