import Ajv2020 from 'ajv/dist/2020'
import addFormats from 'ajv-formats'
import { json } from '../../support/http.ts'
import { openServer } from './server.ts'

export type Schema = Readonly<Record<string, unknown>>
type Reference = Readonly<{ $ref: string }>
type Media = Readonly<{ schema: Schema; example?: unknown }>
export type Content = Readonly<Record<string, Media>>
export type Header = Readonly<{ required?: boolean; schema: Schema }>
export type Parameter = Header & Readonly<{ name: string; in: 'path' | 'query' | 'header' }>
type DocumentedResponse = Readonly<{
  headers?: Readonly<Record<string, Header | Reference>>
  content?: Content
}>

type Operation = Readonly<{
  operationId: string
  summary: string
  description: string
  tags: readonly string[]
  security: readonly Readonly<Record<string, readonly string[]>>[]
  'x-scope'?: string
  parameters: readonly (Parameter | Reference)[]
  requestBody?: Readonly<{ required?: boolean; content: Content }>
  responses: Readonly<Record<string, DocumentedResponse | Reference>>
}>

type PathItem = Readonly<Record<string, Operation>>

export type Document = Readonly<{
  tags: readonly Readonly<{ name: string }>[]
  paths: Readonly<Record<string, PathItem>>
  webhooks: Readonly<Record<string, PathItem>>
  components: Readonly<{
    schemas: Readonly<Record<string, Schema>>
    headers: Readonly<Record<string, Header>>
    securitySchemes: Readonly<Record<string, unknown>>
  }>
}>

export const document: Document = await json(openServer().call('GET', '/docs/json'))

/** Of a server that leaves signing up to another one. */
export const documentWithoutAccounts: Document = await json(
  openServer({}).call('GET', '/docs/json'),
)

/** The part of the document that a reference names, or the part itself. */
export const follow = <T extends object>(part: T | Reference, within: object = document): T => {
  if (!('$ref' in part) || typeof part.$ref !== 'string') return part as T
  const found = part.$ref
    .replace(/^#\//, '')
    .split('/')
    .reduce((at: unknown, name) => (at as Record<string, unknown> | undefined)?.[name], within)
  if (typeof found !== 'object' || found === null) throw new Error(`${part.$ref} leads nowhere.`)
  return follow(found as T, within)
}

/** Visits every object of a document, from the outside in. */
export const walk = (
  part: unknown,
  visit: (part: Readonly<Record<string, unknown>>) => void,
): void => {
  if (typeof part !== 'object' || part === null) return
  visit(part as Readonly<Record<string, unknown>>)
  for (const child of Object.values(part)) walk(child, visit)
}

export const operationsOf = (items: Readonly<Record<string, PathItem>>) =>
  Object.entries(items).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters.map((parameter) => follow(parameter)),
    })),
  )

export const operations = operationsOf(document.paths)
export const ofAccounts = operations.filter(({ path }) => path.startsWith('/api/auth/'))
export const ofEverythingElse = operations.filter((operation) => !ofAccounts.includes(operation))

export const operation = (id: string) => {
  const found = operations.find(({ operationId }) => operationId === id)
  if (!found) throw new Error(`The document has no operation ${id}.`)
  return found
}

/** What a personal token needs for it; undefined when none is enough. */
export const scopeFor = (id: string): string | undefined => operation(id)['x-scope']

/** JSON Schema 2020-12 and `discriminator`, strictly: an unknown keyword or format is an error, and so is `nullable`. */
const ajv = addFormats(new Ajv2020({ allErrors: true, strictTypes: false }))
ajv.removeKeyword('nullable')
ajv.addKeyword('discriminator')

/** Allows an object no property but those that its schema names. */
const close = (part: unknown): unknown => {
  if (Array.isArray(part)) return part.map(close)
  if (typeof part !== 'object' || part === null) return part
  const closed = Object.entries(part).map(([name, child]) => [name, close(child)])
  const exact = 'properties' in part && 'type' in part && { unevaluatedProperties: false }
  return { ...Object.fromEntries(closed), ...exact }
}

const asLocal = (schema: unknown, prefix: string): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', prefix))
for (const [name, schema] of Object.entries(document.components.schemas)) {
  ajv.addSchema(asLocal(schema, 'open:'), `open:${name}`)
  ajv.addSchema(asLocal(close(schema), 'closed:'), `closed:${name}`)
}

const compiled = new Map<string, ReturnType<typeof ajv.compile>>()

const check = (local: Schema, value: unknown): string | undefined => {
  const key = JSON.stringify(local)
  const validate = compiled.get(key) ?? ajv.compile(local)
  compiled.set(key, validate)
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

/** What is wrong with a value, or undefined; throws when something is wrong with the schema. */
export const errorsOf = (schema: Schema, value: unknown): string | undefined =>
  check(asLocal(schema, 'open:'), value)

/** The same, where a property that is not documented is wrong as well. */
export const errorsOfExact = (schema: Schema, value: unknown): string | undefined =>
  check(asLocal(close(schema), 'closed:'), value)
