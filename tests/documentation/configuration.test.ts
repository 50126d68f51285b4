import { expect, test } from 'bun:test'
import { variablesRead } from '../support/variables.ts'
import { pages } from './pages.ts'

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
