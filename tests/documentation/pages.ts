import { join } from 'node:path'

export const ROOT = join(import.meta.dir, '../..')

export type Page = Readonly<{ file: string; text: string }>

const patterns = ['*.md', 'docs/**/*.md', 'bench/*.md', 'client/*.md', 'examples/**/*.md']

/** Every page of the project, by its path from the root. */
export const pages = async (): Promise<Page[]> => {
  const files = patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: ROOT })])
  const own = files.filter((file) => !file.includes('node_modules/')).sort()
  return Promise.all(
    own.map(async (file) => ({ file, text: await Bun.file(join(ROOT, file)).text() })),
  )
}

/** The contents of the fenced blocks of a language, in order. */
export const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, block = '']) => block,
  )
