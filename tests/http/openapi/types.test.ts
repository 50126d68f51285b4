import { expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../support/folder.ts'
import { within } from '../../support/wait.ts'
import { document } from './document.ts'

setDefaultTimeout(60_000)

const MODULES = join(import.meta.dir, '../../../node_modules')

const run = async (folder: string, ...command: string[]): Promise<string> => {
  const child = Bun.spawn([process.execPath, ...command], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  const code = await within(child.exited, `${command[0]} did not end.`, 50_000)
  return code === 0 ? '' : `exit code ${code}: ${(await output).join('')}`
}

/** A copy of the generator whose `typescript` is 5: it cannot use the API of 7. */
const generatorIn = (folder: string): string => {
  const generator = join(folder, 'generator/openapi-typescript')
  const original = join(MODULES, 'openapi-typescript')
  const nested = join(original, 'node_modules')
  cpSync(original, generator, { recursive: true, filter: (path) => !path.startsWith(nested) })
  mkdirSync(join(generator, 'node_modules'))
  symlinkSync(join(MODULES, 'typescript-5'), join(generator, 'node_modules/typescript'))
  symlinkSync(join(nested, '@redocly'), join(generator, 'node_modules/@redocly'))
  symlinkSync(MODULES, join(folder, 'generator/node_modules'))
  return join(generator, 'bin/cli.js')
}

const USE = `import type { components, operations } from './taskport.ts'

type Schemas = components['schemas']

export const priority: Schemas['Priority'] = 'high'
export const draft: Schemas['TaskDraft'] = { title: 'Buy milk', priority, due_date: null }
export const batch: Schemas['Batch'] = {
  operations: [
    { op: 'create', body: draft },
    { op: 'delete', id: 'x', if_match: 41 },
  ],
}
export const idOf = (change: Schemas['Change']): string =>
  change.op === 'upsert' ? change.task.id : change.id

type Created = operations['createTask']['responses'][201]['content']['application/json']
export const dueDateOf = (task: Created): string | null => task.due_date
`

const STRICT = {
  compilerOptions: {
    target: 'ES2022',
    module: 'ESNext',
    moduleResolution: 'Bundler',
    strict: true,
    noEmit: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    types: [],
  },
  files: ['use.ts'],
}

test('types generated from the document compile, strictly, and say what they should', async () => {
  const folder = temporaryFolder()
  await Bun.write(join(folder, 'taskport.json'), JSON.stringify(document))
  expect(await run(folder, generatorIn(folder), 'taskport.json', '-o', 'taskport.ts')).toBe('')
  await Bun.write(join(folder, 'tsconfig.json'), JSON.stringify(STRICT))
  const compile = (): Promise<string> => run(folder, join(MODULES, 'typescript/bin/tsc'), '-p', '.')
  await Bun.write(join(folder, 'use.ts'), USE)
  expect(await compile()).toBe('')
  await Bun.write(join(folder, 'use.ts'), USE.replace("= 'high'", "= 'urgent'"))
  expect(await compile()).toContain('"urgent"')
})
