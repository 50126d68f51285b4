import type { DocumentDecoration } from 'elysia'
import { REQUEST_ID } from './parameters.ts'
import { type Failure, failures as responsesTo } from './responses.ts'

type Description = Readonly<{
  summary: string
  description: string
  parameters?: readonly object[]
  requestBody?: object
  responses: object
  failures?: readonly Failure[]
}>

type Common = Readonly<{ security?: readonly object[]; failures?: readonly Failure[] }>

export const AUTHENTICATED: Common = {
  security: [{ bearer: [] }],
  failures: ['unauthenticated', 'too-many-requests', 'internal', 'unavailable'],
}

export const BODY_FAILURES = ['invalid', 'payload-too-large', 'unsupported-media-type'] as const

/** Without a parser: bodies are read by `readJson`, never by the framework. */
export const describeOperations = <Id extends string>(
  tag: string,
  common: Common,
  descriptions: Record<Id, Description>,
) =>
  Object.fromEntries(
    Object.entries<Description>(descriptions).map(([operationId, description]) => [
      operationId,
      { parse: 'none', detail: describeOperation(tag, operationId, common, description) },
    ]),
  ) as Record<Id, Readonly<{ parse: 'none'; detail: DocumentDecoration }>>

/** The framework's types know OpenAPI 3.0 only. */
const describeOperation = (
  tag: string,
  operationId: string,
  { security, failures: shared = [] }: Common,
  { parameters = [], responses, failures = [], ...rest }: Description,
): DocumentDecoration =>
  ({
    tags: [tag],
    operationId,
    ...rest,
    parameters: [...parameters, REQUEST_ID],
    responses: { ...responses, ...responsesTo(...shared, ...failures) },
    ...(security && { security }),
  }) as DocumentDecoration

export const requestBody = (
  schema: object,
  types: readonly string[],
  example: object,
  required = true,
) => ({
  required,
  content: Object.fromEntries(types.map((type) => [type, { schema, example }])),
})
