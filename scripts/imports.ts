import { join, posix } from 'node:path'

export type Source = Readonly<{ file: string; text: string }>

const ROOT = join(import.meta.dir, '..')

const IMPORT = /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g

/** The sources of the server and the client, by their paths from the root. */
export const readSources = async (): Promise<Source[]> => {
  const files = [...new Bun.Glob('{src,client}/**/*.ts').scanSync(ROOT)].sort()
  return Promise.all(
    files.map(async (file) => ({ file, text: await Bun.file(join(ROOT, file)).text() })),
  )
}

/** What a source imports: packages by name, files by their paths from the root. */
export const importsOf = ({ file, text }: Source): string[] =>
  [...text.matchAll(IMPORT)].map(([, name = '']) =>
    name.startsWith('.') ? posix.join(posix.dirname(file), name) : name,
  )
