import { expect, test } from 'bun:test'
import { readConfig } from '../../src/runtime/config.ts'
import { pages } from './pages.ts'

/** Set by the server itself, for its own processes. */
const INTERNAL = ['TASKPORT_WORKER']

const variablesRead = (): string[] => {
  const read = new Set<string>()
  const environment = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, name) => {
        read.add(String(name))
        return undefined
      },
    },
  )
  readConfig(environment)
  return [...read].filter((name) => !INTERNAL.includes(name)).sort()
}

const rowsOf = (text: string): string[] =>
  [...text.matchAll(/^\| (`[A-Z_`, ]+`) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name),
  )

test('the table of docs/configuration.md has exactly the variables that are read', async () => {
  const all = await pages()
  const page = all.find(({ file }) => file === 'docs/configuration.md') ?? expect.unreachable()
  expect(rowsOf(page.text).sort()).toEqual(variablesRead())
})

test('the README names no variable that the full table lacks', async () => {
  const all = await pages()
  const readme = all.find(({ file }) => file === 'README.md') ?? expect.unreachable()
  expect(rowsOf(readme.text).length).toBeGreaterThan(5)
  expect(variablesRead()).toEqual(expect.arrayContaining(rowsOf(readme.text)))
})
