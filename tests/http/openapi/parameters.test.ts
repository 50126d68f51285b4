import { expect, test } from 'bun:test'
import { ofEverythingElse, type Parameter } from './document.ts'
import { send } from './exchange.ts'
import { type Seed, seed } from './server.ts'

/** Those of an import depend on its file. */
const IMPORT = 'importTasks'

const parameters = ofEverythingElse.flatMap(({ operationId, parameters: all }) =>
  (operationId === IMPORT ? [] : all)
    .filter((one) => one.in === 'query')
    .map((one) => [operationId, one.name, one] as const),
)

type Rules = Readonly<{
  enum?: unknown[]
  examples?: unknown[]
  minimum?: number
  maximum?: number
  maxLength?: number
}>

/** Values at the limits of a schema, and beyond them; an opaque one is wrong when it is empty. */
const probes = ({ schema }: Parameter): { good: unknown[]; bad: unknown[] } => {
  const { enum: values, examples, minimum, maximum, maxLength } = schema as Rules
  if (maxLength) return { good: ['𝄞'.repeat(maxLength)], bad: ['x'.repeat(maxLength + 1)] }
  if (minimum !== undefined && maximum !== undefined)
    return { good: [minimum, maximum], bad: [minimum - 1, maximum + 1, minimum + 0.5] }
  return { good: values ?? examples ?? [], bad: ['', 'other'] }
}

const ask = (seeded: Seed, id: string, name: string, value: unknown) =>
  send(seeded, id, { search: `?${name}=${encodeURIComponent(String(value))}` })

test('there are parameters to try', () => {
  expect(parameters.map(([id, name]) => `${id} ${name}`)).toEqual(
    expect.arrayContaining(['listTasks limit', 'listTasks q', 'listChanges since']),
  )
})

test.each(parameters)('%s refuses %s exactly beyond its limits', async (id, name, parameter) => {
  const { good, bad } = probes(parameter)
  const seeded = await seed()
  for (const [values, refused] of [
    [good, false],
    [bad, true],
  ] as const) {
    for (const value of values) {
      const { status, body } = await ask(seeded, id, name, value)
      await body?.cancel()
      expect([value, status === 400]).toEqual([value, refused])
    }
  }
})

const defaults = parameters.flatMap(([id, name, { schema }]) =>
  schema['default'] === undefined ? [] : [[id, name, schema['default']] as const],
)

test('there are defaults to try', () => {
  expect(defaults.map(([id, name]) => `${id} ${name}`)).toContain('listTasks sort')
})

test.each(defaults)('%s without %s is as with %p', async (id, name, value) => {
  const seeded = await seed()
  await send(seeded, 'completeTask')
  const without = await send(seeded, id)
  const { status, body } = await ask(seeded, id, name, value)
  const steady = (text: string) => text.replace(/"exported_at":"[^"]*"/, '')
  const texts = [await new Response(body).text(), await without.text()].map(steady)
  expect([status, texts[0]]).toEqual([200, texts[1]])
})
