import { describe, expect, test } from 'bun:test'
import openapi from '@seriousme/openapi-schema-validator/schemas/v3.1/schema.json' with {
  type: 'json',
}
import Ajv2020 from 'ajv/dist/2020'
import addFormats from 'ajv-formats'
import {
  type Document,
  document,
  documentWithoutAccounts,
  errorsOf,
  follow,
  operations,
  operationsOf,
  type Schema,
  walk,
} from './document.ts'

const ajv = addFormats(new Ajv2020({ allErrors: true, strict: false }))
ajv.addFormat('media-range', true)
const isOpenApi = ajv.compile(openapi)

describe.each([
  ['with accounts', document],
  ['without accounts', documentWithoutAccounts],
])('the document %s', (_, whole: Document) => {
  test('is valid by the published schema of OpenAPI 3.1', () => {
    isOpenApi(whole)
    expect(isOpenApi.errors ?? []).toEqual([])
  })

  test('has no reference that leads nowhere, and no component that is not referred to', () => {
    const used = new Set<string>()
    walk(whole, (part) => {
      if (typeof part['$ref'] !== 'string') return
      used.add(part['$ref'])
      follow({ $ref: part['$ref'] }, whole)
    })
    const { securitySchemes, ...components } = whole.components
    const defined = Object.entries(components).flatMap(([kind, parts]) =>
      Object.keys(parts).map((name) => `#/components/${kind}/${name}`),
    )
    expect([...used].sort()).toEqual(defined.sort())
  })

  test('has exactly the tags and security schemes that its operations use', () => {
    const all = [...operationsOf(whole.paths), ...operationsOf(whole.webhooks)]
    const unique = (names: readonly string[]): string[] => [...new Set(names)].sort()
    expect(unique(all.flatMap(({ tags }) => tags))).toEqual(
      whole.tags.map(({ name }) => name).sort(),
    )
    expect(
      unique(all.flatMap(({ security }) => security.flatMap((one) => Object.keys(one)))),
    ).toEqual(Object.keys(whole.components.securitySchemes).sort())
  })

  test('has accounts, if any, before everything else', () => {
    const names = whole.tags.map(({ name }) => name)
    expect(names).toEqual(
      ['accounts', 'tasks', 'changes', 'webhooks', 'tokens', 'transfer', 'service'].slice(
        -names.length,
      ),
    )
    const order = operationsOf(whole.paths).map(({ tags: [tag = ''] }) => names.indexOf(tag))
    expect(order).toEqual(order.toSorted())
  })

  test('has a unique id for every operation', () => {
    const all = [...operationsOf(whole.paths), ...operationsOf(whole.webhooks)]
    const ids = all.map(({ operationId }) => operationId)
    expect(ids.filter((id, n) => !id || ids.indexOf(id) !== n)).toEqual([])
  })
})

test('alternatives that differ in a member say which one it is', () => {
  const found = Object.entries(document.components.schemas).filter(([, schema]) => schema['oneOf'])
  expect(found.map(([name]) => name).sort()).toEqual(['BatchOperation', 'Change'])
  for (const [, schema] of found) {
    const { propertyName, mapping } = schema['discriminator'] as {
      propertyName: string
      mapping: Record<string, string>
    }
    expect(schema['oneOf']).toEqual(Object.values(mapping).map(($ref) => ({ $ref })))
    for (const [value, $ref] of Object.entries(mapping)) {
      expect(follow({ $ref })).toMatchObject({ properties: { [propertyName]: { const: value } } })
    }
  }
})

describe('schemas', () => {
  const schemas: Schema[] = Object.values(document.components.schemas)
  const examples: [schema: Schema, example: unknown][] = []
  walk(document, (part) => {
    if (typeof part['schema'] === 'object') schemas.push(part['schema'] as Schema)
    if ('example' in part) examples.push([part['schema'] as Schema, part['example']])
    if (Array.isArray(part['examples']))
      for (const example of part['examples']) examples.push([part, example])
  })

  test('are JSON Schema 2020-12', () => {
    expect(schemas.length).toBeGreaterThan(operations.length)
    for (const schema of schemas) expect(() => errorsOf(schema, null)).not.toThrow()
  })

  test('allow their own examples', () => {
    expect(examples.length).toBeGreaterThan(operations.length)
    for (const [schema, example] of examples)
      expect([example, errorsOf(schema, example)]).toEqual([example, undefined])
  })
})
