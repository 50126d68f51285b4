import { type TObject, type TSchema, Type as t } from '@sinclair/typebox'
import type { Precondition } from '../../../domain/access.ts'
import type { Operation } from '../../../domain/changeset.ts'
import { DomainError, type Issue, throwIfInvalid } from '../../../domain/errors.ts'
import { type BodyReader, bodyReader } from '../transport/body-reader.ts'
import { ENTITY_TAGS, parseIfMatch } from '../transport/entity-tag.ts'
import { within } from '../transport/issues.ts'
import {
  completionBody,
  draftBody,
  patchBody,
  readCompletion,
  readTaskDraft,
  readTaskPatch,
} from './schema.ts'

/** Reminders are sent by the server itself. */
type RequestedOperation = Exclude<Operation, { op: 'remind' }>

const BATCH_MAX = 100

const strict = { additionalProperties: false }

const TARGET = {
  id: t.String({ description: 'The id of the task.' }),
  if_match: t.Optional(
    t.Union([t.Integer({ minimum: 1 }), t.String({ pattern: ENTITY_TAGS })], {
      description:
        'The revision or the ETag that the task must have before the batch; 412 otherwise.',
      examples: [41, '"41"'],
    }),
  ),
}

const EXPECTATIONS = {
  operations: `must be an array of 1 to ${BATCH_MAX} operations.`,
  op: 'must be one of create, update, complete, delete.',
  id: 'must be the id of a task.',
  if_match: 'must be a revision, such as 41, or an ETag.',
  body: 'must be a JSON object.',
} satisfies Record<string, string>

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** `envelope` reads an operation apart from its body, so that each reports its own issues. */
const operation = (
  op: RequestedOperation['op'],
  members: Record<string, TSchema>,
  body?: BodyReader,
  bodyOf: (schema: TObject) => TSchema = (schema) => schema,
) => {
  const shape = (schema: TObject, name: { $id?: string }) =>
    t.Object(
      { op: t.Literal(op), ...members, ...(body && { body: bodyOf(schema) }) },
      { ...strict, ...name },
    )
  return {
    schema: shape(body?.schema ?? t.Object({}), { $id: `${capitalized(op)}Operation` }),
    envelope: bodyReader(shape(t.Object({}), {}), EXPECTATIONS),
    body,
  }
}

const OPERATIONS = {
  create: operation('create', {}, draftBody),
  update: operation('update', TARGET, patchBody),
  complete: operation('complete', TARGET, completionBody, t.Optional),
  delete: operation('delete', TARGET),
} satisfies Record<RequestedOperation['op'], unknown>

const list = <Item extends TSchema>(item: Item) =>
  t.Object({ operations: t.Array(item, { minItems: 1, maxItems: BATCH_MAX }) }, strict)

const BatchOperationSchema = t.Union(
  Object.values(OPERATIONS).map(({ schema }) => schema),
  { $id: 'BatchOperation', discriminator: { propertyName: 'op' } },
)

const BatchSchema = list(BatchOperationSchema)

export const batchSchemas = {
  Batch: BatchSchema,
  BatchOperation: BatchOperationSchema,
  CreateOperation: OPERATIONS.create.schema,
  UpdateOperation: OPERATIONS.update.schema,
  CompleteOperation: OPERATIONS.complete.schema,
  DeleteOperation: OPERATIONS.delete.schema,
}

const operationIssues = (value: unknown): readonly Issue[] => {
  const given = isObject(value) ? value : {}
  const { op } = given
  if (typeof op !== 'string' || !Object.hasOwn(OPERATIONS, op)) {
    return [{ field: 'op', detail: EXPECTATIONS.op }]
  }
  const { envelope, body } = OPERATIONS[op as RequestedOperation['op']]
  const inBody = body && isObject(given['body']) ? body.issues(given['body']) : []
  return [...envelope.issues(given), ...within('body', inBody)]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const batch = bodyReader(BatchSchema, EXPECTATIONS)

const envelope = bodyReader(list(t.Unknown()), EXPECTATIONS, ({ operations }) =>
  Array.isArray(operations)
    ? operations.flatMap((value, n) => within(`operations/${n}`, operationIssues(value)))
    : [],
)

type Given = Readonly<{
  op: RequestedOperation['op']
  id: string
  if_match?: string | number
  body?: unknown
}>

/** Throws `invalid` with the issues of all operations. */
export const readBatch = (body: unknown): Operation[] => {
  if (!batch.fits(body)) throwIfInvalid(envelope.issues(body))
  return (body as { operations: Given[] }).operations.map(toOperation)
}

const toOperation = ({ op, id, if_match, body }: Given): Operation => {
  if (op === 'create') return { op, draft: readTaskDraft(body) }
  const precondition = preconditionOf(if_match)
  if (op === 'delete') return { op, id, precondition }
  if (op === 'complete') return { op, id, want: readCompletion(body), precondition }
  return { op, id, patch: readTaskPatch(body), precondition }
}

const preconditionOf = (ifMatch: string | number | undefined): Precondition =>
  typeof ifMatch === 'number'
    ? [{ revision: ifMatch, timeline: null }]
    : parseIfMatch(ifMatch ?? '*')

/** Runs a batch, and rejects with errors whose fields are paths into its body. */
export const withPaths = async <Result>(run: Promise<Result>): Promise<Result> => {
  try {
    return await run
  } catch (error) {
    throw error instanceof DomainError ? located(error) : error
  }
}

const located = (error: DomainError): DomainError => {
  const { kind, message, version, operation } = error
  const issues = error.issues.map((issue): Issue => {
    const n = issue.operation ?? operation
    return n === undefined ? issue : { ...issue, field: `operations/${n}/body/${issue.field}` }
  })
  if (issues.length === 0 && operation !== undefined) {
    issues.push({ field: `operations/${operation}`, detail: message })
  }
  return new DomainError(kind, message, {
    issues,
    version,
    cause: error,
  })
}
