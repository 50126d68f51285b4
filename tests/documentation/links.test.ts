import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { type Page, pages, ROOT } from './pages.ts'

const all = await pages()

const withoutCode = (text: string): string =>
  text
    .replace(/^ *```.*?^ *```/gms, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]<>]/g, ''))

const linksOf = ({ text }: Page): string[] => {
  const plain = withoutCode(text)
  const found = [/\]\(([^)\s]+)\)/g, /(?:src|srcset|href)="([^"\s]+)"/g].flatMap((pattern) => [
    ...plain.matchAll(pattern),
  ])
  return found.map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target))
}

/** As GitHub makes them. */
const anchorsOf = ({ text }: Page): string[] =>
  [...text.replace(/^ *```.*?^ *```/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replace(/\]\([^)]*\)/g, '')
      .replace(/[^\p{L}\p{N}\p{M}\- _]/gu, '')
      .replaceAll(' ', '-'),
  )

/** Those that lead nowhere. */
const brokenLinks = (page: Page, among: readonly Page[]): string[] =>
  linksOf(page).filter((link) => {
    const [path = '', anchor] = link.split('#')
    const file = path === '' ? page.file : normalize(join(dirname(page.file), path))
    if (!existsSync(join(ROOT, file))) return true
    if (anchor === undefined) return false
    const target = among.find((other) => other.file === file)
    return !target || !anchorsOf(target).includes(anchor)
  })

test('there are pages with links', () => {
  expect(all.length).toBeGreaterThan(10)
  expect(all.flatMap(linksOf).length).toBeGreaterThan(30)
})

test.each(all)('every relative link of $file leads somewhere', (page) => {
  expect(brokenLinks(page, all)).toEqual([])
})

test.each([
  ['[a](docs/nowhere.md)', 1],
  ['[a](#nowhere)', 1],
  ['[a](docs/sync.md#nowhere)', 1],
  ['<img src="docs/nowhere.png">', 1],
  ['[a](docs/sync.md#never-twice) `[a](b)` <https://example.com>', 0],
  ['# Who, and `what`?\n[a](#who-and-what)', 0],
])('a broken link is found: %s', (text, count) => {
  expect(
    brokenLinks({ file: 'README.md', text }, [{ file: 'README.md', text }, ...all]),
  ).toHaveLength(count)
})

test('every page of docs is reached from the README', () => {
  const readme = all.find(({ file }) => file === 'README.md') ?? expect.unreachable()
  const linked = new Set(linksOf(readme).map((link) => link.split('#')[0]))
  const unlinked = all
    .map(({ file }) => file)
    .filter((file) => /^docs\/[^/]+\.md$/.test(file) && !linked.has(file))
  expect(unlinked).toEqual([])
})
