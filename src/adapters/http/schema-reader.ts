import type { Static, TSchema } from '@sinclair/typebox'
import { TypeCompiler, ValueErrorType } from '@sinclair/typebox/compiler'
import { DomainError, type Issue, refuse } from '../../domain/errors.ts'

/** The domain counts code points after trimming; the schema's lengths are for the reader. */
const LENGTHS = new Set([ValueErrorType.StringMinLength, ValueErrorType.StringMaxLength])

/**
 * Checks a body against a schema. The result throws `invalid`, naming every field that is missing,
 * unknown or of the wrong type; `must` says what each has to be, by its name.
 */
export const reader = <Schema extends TSchema>(schema: Schema, must: Record<string, string>) => {
  const check = TypeCompiler.Compile(schema)
  return (body: unknown): Static<Schema> => {
    if (check.Check(body)) return body
    const issues = new Map<string, Issue>()
    for (const { type, path } of check.Errors(body)) {
      if (LENGTHS.has(type)) continue
      const field = path.slice(1, 200)
      if (field === '') throw new DomainError('invalid', 'The body must be a JSON object.')
      if (!issues.has(field)) issues.set(field, { field, detail: explain(type, field, must) })
      if (issues.size === 20) break
    }
    refuse([...issues.values()])
    return body as Static<Schema>
  }
}

const explain = (type: ValueErrorType, field: string, must: Record<string, string>): string =>
  type === ValueErrorType.ObjectRequiredProperty
    ? 'is required.'
    : type === ValueErrorType.ObjectAdditionalProperties
      ? 'is not a field here. Remove it.'
      : (must[field.split('/').at(-1) ?? ''] ?? 'has the wrong type.')
