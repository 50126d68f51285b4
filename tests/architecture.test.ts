import { expect, test } from 'bun:test'
import { importsOf, readSources, type Source } from '../scripts/imports.ts'

/** What the files of a folder may import; the first folder that holds the file rules. */
const RULES: readonly { folder: string; own: readonly string[]; packages: RegExp }[] = [
  { folder: 'src/domain/', own: ['src/domain/'], packages: /^$/ },
  { folder: 'src/application/', own: ['src/domain/', 'src/application/'], packages: /^$/ },
  adapter(
    'http',
    /^(elysia|@elysiajs\/swagger|@sinclair\/typebox(\/.*)?|@zxcvbn-ts\/language-common|ipaddr\.js|swagger-ui-dist.*|node:.*)$/,
  ),
  adapter(
    'identity',
    /^(better-auth(\/.*)?|ipaddr\.js|kysely|lru-cache|bun:sqlite|node:.*)$/,
    'src/adapters/pg/',
  ),
  adapter('import', /^(csv-parse\/sync|fflate|ical\.js)$/),
  adapter('jobs', /^(lru-cache|pg-boss)$/, 'src/adapters/pg/'),
  adapter('jwt', /^(@elysiajs\/jwt|jose|lru-cache)$/),
  adapter('limits', /^(limiter|lru-cache)$/),
  adapter('mail', /^nodemailer$/),
  adapter('memory', /^$/),
  adapter('metrics', /^$/),
  adapter('otlp', /^$/),
  adapter('pg', /^(pg|node:.*)$/),
  adapter('postgres', /^(lru-cache|postgres|node:.*)$/, 'src/adapters/pg/'),
  adapter('sqlite', /^(bun:sqlite|node:.*)$/),
  adapter('tokens', /^$/),
  adapter('traces', /^(lru-cache|node:async_hooks)$/),
  adapter('webhooks', /^(ipaddr\.js|lru-cache|node:.*)$/),
  { folder: 'client/', own: ['client/'], packages: /^eventsource-parser$/ },
  {
    folder: 'src/runtime/',
    own: ['src/domain/', 'src/application/', 'src/adapters/', 'src/runtime/'],
    packages: /^(pino-pretty|tldts|node:.*)$/,
  },
  { folder: 'src/taskport.ts', own: ['src/', 'package.json'], packages: /^commander$/ },
  { folder: 'src/', own: ['src/', 'package.json'], packages: /^$/ },
]

function adapter(name: string, packages: RegExp, ...shared: string[]) {
  const folder = `src/adapters/${name}/`
  return { folder, own: ['src/domain/', 'src/application/', folder, ...shared], packages }
}

/** Forbidden words by folder, with the one file that may hold them. */
const WORDS: readonly { folder: string; word: RegExp; except?: string }[] = [
  {
    folder: 'src/domain/',
    word: /new Date\(\)|Date\.now|Math\.random|crypto|process\.|\bBun\b|console\./,
  },
  {
    folder: 'src/application/',
    word: /new Date|Date\.now|Math\.random|crypto|process\.|\bBun\b|console\./,
  },
  // A transaction that spans awaits can leak into another request when its connection dies.
  { folder: 'src/adapters/postgres/', word: /\bbegin\b\s*[(`]|\.reserve\(/, except: 'migrate.ts' },
  { folder: 'src/adapters/sqlite/', word: /transaction\(\s*async/ },
  // The client runs anywhere.
  { folder: 'client/', word: /process\.|\bBun\.|node:/ },
]

const violations = ({ file, text }: Source): string[] => {
  const rule = RULES.find(({ folder }) => file.startsWith(folder))
  return [
    ...importsOf({ file, text })
      .filter((name) => {
        const own = /^(src|client|package\.json)/.test(name)
        return own
          ? !rule?.own.some((folder) => name.startsWith(folder))
          : !rule?.packages.test(name)
      })
      .map((name) => `${file} imports ${name}`),
    ...WORDS.filter(
      ({ folder, word, except }) =>
        file.startsWith(folder) && !(except && file.endsWith(except)) && word.test(text),
    ).map(({ word }) => `${file} has ${word.source}`),
  ]
}

test('every import points inwards', async () => {
  const files = await readSources()
  expect(files.length).toBeGreaterThan(30)
  expect(files.flatMap(violations)).toEqual([])
})

test('only the composition root, the command and declarations lie loose in src, and the root is short', async () => {
  const root = `${import.meta.dir}/../src`
  const loose = [...new Bun.Glob('*').scanSync({ cwd: root, onlyFiles: true })].sort()
  expect(loose).toEqual(['files.d.ts', 'main.ts', 'taskport.ts'])
  const lines = (await Bun.file(`${root}/main.ts`).text()).split('\n')
  expect(lines.length).toBeLessThanOrEqual(60)
})

test.each([
  ['src/domain/task.ts', `import type { Page } from '../application/ports.ts'`],
  ['src/domain/task.ts', `import { z } from 'zod'`],
  ['src/domain/task.ts', `export * from '../adapters/memory/task-store.ts'`],
  ['src/domain/task.ts', 'const now = new Date()'],
  [
    'src/application/get-task.ts',
    `import { memoryTaskStore } from '../adapters/memory/task-store.ts'`,
  ],
  ['src/application/get-task.ts', `const { t } = await import('elysia')`],
  ['src/application/get-task.ts', `import { readConfig } from '../runtime/config.ts'`],
  ['src/application/ports.ts', `import type { Sql } from 'postgres'`],
  ['src/application/create-task.ts', 'const id = crypto.randomUUID()'],
  ['src/adapters/http/api.ts', `import { connect } from '../postgres/client.ts'`],
  ['src/adapters/http/api.ts', `import { jwtVerify } from 'jose'`],
  ['src/adapters/http/api.ts', `import { readConfig } from '../../runtime/config.ts'`],
  ['src/adapters/postgres/client.ts', `import { Elysia } from 'elysia'`],
  ['src/adapters/postgres/client.ts', 'await sql.begin(async (transaction) => {})'],
  ['src/adapters/postgres/client.ts', 'await sql`begin`; await sql.begin(`x`)'],
  ['src/adapters/sqlite/task-store.ts', 'db.transaction(async () => {})'],
  ['src/runtime/config.ts', `import { main } from '../main.ts'`],
  ['src/runtime/config.ts', `import { jwtVerify } from 'jose'`],
  ['src/main.ts', `import pino from 'pino'`],
  ['client/index.ts', `import type { Task } from '../src/domain/task.ts'`],
  ['client/index.ts', `import type { App } from '../src/application/index.ts'`],
  ['client/index.ts', 'Bun.sleep(1)'],
])('a violation is caught: %s: %s', (file, text) => {
  expect(violations({ file, text })).toHaveLength(1)
})
