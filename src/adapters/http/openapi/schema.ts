import { Type as t } from '@sinclair/typebox'
import { PROBLEMS, problemType } from '../transport/problem.ts'

export const references = <Name extends string>(schemas: Readonly<Record<Name, object>>) =>
  Object.fromEntries(
    Object.keys(schemas).map((name) => [name, { $ref: `#/components/schemas/${name}` }]),
  ) as Record<Name, { $ref: string }>

export const TEXT = { type: 'string' }

export const arrayOf = (items: object) => ({ type: 'array', items })

export const nullableOf = (schema: object) => ({ anyOf: [schema, { type: 'null' }] })

export const object = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
})

export const timestamp = t.String({ format: 'date-time' })

export const revision = t.Integer({ minimum: 1 })

export const nullable = <Schema extends Parameters<typeof t.Union>[0][number]>(schema: Schema) =>
  t.Union([schema, t.Null()])

export const sharedSchemas = {
  Problem: t.Object(
    {
      type: t.Unsafe<string>({ type: 'string', enum: Object.keys(PROBLEMS).map(problemType) }),
      title: t.String(),
      status: t.Integer({ minimum: 400, maximum: 599 }),
      detail: t.String({ description: 'One sentence that says how to correct the request.' }),
      instance: t.Optional(t.String({ description: 'Identifies the request; 5xx only.' })),
      code: t.Optional(t.String({ description: "The identity provider's error code." })),
      message: t.Optional(
        t.String({ description: "The identity provider's error message, or the detail." }),
      ),
      errors: t.Optional(
        t.Array(
          t.Union([
            t.Object({ pointer: t.String({ examples: ['/title'] }), detail: t.String() }),
            t.Object({ parameter: t.String({ examples: ['status'] }), detail: t.String() }),
          ]),
          { description: 'One per invalid member (JSON Pointer, RFC 6901) or query parameter.' },
        ),
      ),
    },
    { description: 'A problem document (RFC 9457).' },
  ),
}
