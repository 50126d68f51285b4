import type { Static, TObject, TSchema } from '@sinclair/typebox'
import { TypeCompiler, ValueErrorType } from '@sinclair/typebox/compiler'
import { Value } from '@sinclair/typebox/value'
import { DomainError, type Issue, throwIfInvalid } from '../../../domain/errors.ts'

const ISSUES_MAX = 20

/** The fields have the right type, and any may be absent. */
export type FieldCheck = (fields: Readonly<Record<string, unknown>>) => readonly Issue[]

export type BodyReader<Schema extends TObject = TObject> = Readonly<{
  schema: Schema
  fits(body: unknown): body is Static<Schema>
  /** Throws `invalid` with all issues of a body that does not fit the schema. */
  read(body: unknown): Static<Schema>
  issues(body: unknown): readonly Issue[]
}>

/** Runs the check on misfits too, to report everything. A schema counts lengths in UTF-16 units. */
export const bodyReader = <Schema extends TObject>(
  schema: Schema,
  expectations: Readonly<Record<string, string>>,
  check: FieldCheck = () => [],
): BodyReader<Schema> => {
  const { properties, ...rest } = withoutLengths(schema)
  const compiled = TypeCompiler.Compile({ ...rest, properties } as Schema)

  const issues = (body: unknown): readonly Issue[] => {
    const found = new Map<string, Issue>()
    for (const { type, path } of compiled.Errors(body)) {
      const field = path.slice(1, 200)
      if (field === '') throw new DomainError('invalid', 'The body must be a JSON object.')
      if (!found.has(field)) found.set(field, { field, detail: explain(type, field, expectations) })
      if (found.size === ISSUES_MAX) break
    }
    const fields = Object.entries(body as object).filter(([name, value]) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined
      return property !== undefined && Value.Check(property, value)
    })
    return [...found.values(), ...check(Object.fromEntries(fields))].slice(0, ISSUES_MAX)
  }

  const fits = (body: unknown): body is Static<Schema> => compiled.Check(body)

  const read = (body: unknown): Static<Schema> => {
    if (!fits(body)) throwIfInvalid(issues(body))
    return body as Static<Schema>
  }

  return { schema, fits, read, issues }
}

const LENGTHS: readonly PropertyKey[] = ['minLength', 'maxLength']

const withoutLengths = <Schema extends TSchema>(schema: Schema): Schema => strip(schema) as Schema

const strip = (part: unknown): unknown => {
  if (Array.isArray(part)) return part.map(strip)
  if (typeof part !== 'object' || part === null) return part
  const keys = Reflect.ownKeys(part).filter((key) => !LENGTHS.includes(key))
  return Object.fromEntries(keys.map((key) => [key, strip(Reflect.get(part, key))]))
}

const explain = (
  type: ValueErrorType,
  field: string,
  expectations: Readonly<Record<string, string>>,
): string =>
  type === ValueErrorType.ObjectRequiredProperty
    ? 'is required.'
    : type === ValueErrorType.ObjectAdditionalProperties
      ? 'is unknown. Remove it.'
      : (expectations[field.split('/').at(-1) ?? ''] ?? 'has the wrong type.')
