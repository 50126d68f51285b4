import { type TSchema, Type as t } from '@sinclair/typebox'
import type { Precondition } from '../../domain/access.ts'
import { DomainError, type Issue, refuse } from '../../domain/errors.ts'
import type { Operation } from '../../domain/plan.ts'
import { parseIfMatch } from './entity-tag.ts'
import { reader } from './schema-reader.ts'
import {
  CompletionSchema,
  completion,
  MUST,
  TaskDraftSchema,
  TaskPatchSchema,
  taskDraft,
  taskPatch,
} from './task-schema.ts'

export const BATCH_MAX = 100

const strict = { additionalProperties: false }
const op = <Name extends string>(name: Name, properties: Record<string, TSchema>) =>
  t.Object({ op: t.Literal(name), ...properties }, strict)
const onTask = {
  id: t.String({ description: 'The task.' }),
  if_match: t.Optional(
    t.Union([t.Integer({ minimum: 1 }), t.String()], {
      description:
        'The revision, or the ETag, that the task must have before the batch; 412 when stale.',
      examples: [41, '"41"'],
    }),
  ),
}

const OPERATIONS = {
  create: op('create', { body: TaskDraftSchema }),
  update: op('update', { ...onTask, body: TaskPatchSchema }),
  complete: op('complete', { ...onTask, body: t.Optional(CompletionSchema) }),
  delete: op('delete', onTask),
}

export const BatchSchema = t.Object(
  {
    operations: t.Array(t.Union(Object.values(OPERATIONS)), { minItems: 1, maxItems: BATCH_MAX }),
  },
  strict,
)

const WORDS = {
  ...MUST,
  operations: `must be an array of 1 to ${BATCH_MAX} operations.`,
  op: `must be one of ${Object.keys(OPERATIONS).join(', ')}.`,
  id: "must be the task's id.",
  if_match: 'must be a revision, such as 41, or an ETag.',
  body: 'must be a JSON object.',
}

const readEnvelope = reader(
  t.Object({ operations: t.Array(t.Unknown(), { minItems: 1, maxItems: BATCH_MAX }) }, strict),
  WORDS,
)
const readers = {
  create: reader(OPERATIONS.create, WORDS),
  update: reader(OPERATIONS.update, WORDS),
  complete: reader(OPERATIONS.complete, WORDS),
  delete: reader(OPERATIONS.delete, WORDS),
}

type Given = Readonly<{ op: string; id: string; if_match?: string | number; body?: unknown }>

/** Throws `invalid`, naming every member, in every operation, that is missing, unknown or wrong. */
export const batch = (body: unknown): Operation[] => {
  const { operations } = readEnvelope(body)
  const issues: Issue[] = []
  const read = operations.flatMap((operation, n): Operation[] => {
    try {
      return [readOperation(operation)]
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const place = `operations/${n}`
      if (error.issues.length === 0) issues.push({ field: place, detail: error.message })
      issues.push(
        ...error.issues.map(({ field, detail }) => ({ field: `${place}/${field}`, detail })),
      )
      return []
    }
  })
  refuse(issues.slice(0, 20))
  return read
}

const readOperation = (value: unknown): Operation => {
  const name = typeof value === 'object' && value !== null && 'op' in value ? value.op : undefined
  if (typeof name !== 'string' || !Object.hasOwn(readers, name)) {
    throw new DomainError('invalid', '', { issues: [{ field: 'op', detail: WORDS.op }] })
  }
  const kind = name as keyof typeof readers
  const { id, if_match, body } = readers[kind](value) as Given
  if (kind === 'create') return { op: kind, draft: taskDraft(body) }
  const precondition = preconditionOf(if_match)
  if (kind === 'delete') return { op: kind, id, precondition }
  if (kind === 'complete') return { op: kind, id, want: completion(body), precondition }
  return { op: kind, id, patch: taskPatch(body), precondition }
}

const preconditionOf = (ifMatch: string | number | undefined): Precondition => {
  if (ifMatch === undefined) return 'any'
  if (typeof ifMatch === 'number') return [ifMatch]
  const precondition = parseIfMatch(ifMatch)
  if (precondition) return precondition
  throw new DomainError('invalid', '', { issues: [{ field: 'if_match', detail: WORDS.if_match }] })
}
