import type { DocumentDecoration } from 'elysia'
import type { Scope } from '../../../domain/token.ts'
import { REQUEST_ID } from './parameters.ts'
import { type Failure, failures as responsesTo } from './responses.ts'

type Description = Readonly<{
  summary: string
  description: string
  parameters?: readonly object[]
  requestBody?: object
  responses: object
  failures?: readonly Failure[]
  security?: Security
  /** With which a personal token is enough; without one a session is needed. */
  scope?: Scope
}>

type Security = readonly Readonly<Record<string, readonly string[]>>[]

type Common = Readonly<{ security: Security; failures?: readonly Failure[]; scope?: Scope }>

/** The member of an operation that has its scope: in security, linters take only those of OAuth 2.0. */
export const SCOPE = 'x-scope'

/** Neither a token nor a session. */
export const OPEN: Security = []

export const AUTHENTICATED: Common = {
  security: [{ bearer: [] }],
  failures: [
    'unauthenticated',
    'insufficient-scope',
    'too-many-requests',
    'internal',
    'unavailable',
  ],
}

export const BODY_FAILURES = [
  'invalid',
  'request-timeout',
  'payload-too-large',
  'unsupported-media-type',
] as const

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
  { security: usual, failures: shared = [], scope: usualScope }: Common,
  {
    parameters = [],
    responses,
    failures = [],
    security = usual,
    scope = usualScope,
    description,
    ...rest
  }: Description,
): DocumentDecoration =>
  ({
    tags: [tag],
    operationId,
    ...rest,
    parameters: [...parameters, REQUEST_ID],
    responses: { ...responses, ...responsesTo(...shared, ...failures) },
    description: scope ? `${description} A personal token needs the scope ${scope}.` : description,
    security: scope ? [...security, { personalToken: [] }] : security,
    ...(scope && { [SCOPE]: scope }),
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
