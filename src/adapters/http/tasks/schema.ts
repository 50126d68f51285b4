import { type TSchema, Type as t } from '@sinclair/typebox'
import {
  DESCRIPTION_MAX,
  PRIORITIES,
  type TASK_FIELDS,
  type TaskDraft,
  type TaskPatch,
  TITLE_MAX,
  taskIssues,
} from '../../../domain/task.ts'
import { nullable, references, timestamp } from '../openapi/schema.ts'
import { bodyReader, type FieldCheck } from '../transport/body-reader.ts'

const strict = { additionalProperties: false }

const PrioritySchema = t.Union(
  PRIORITIES.map((value) => t.Literal(value)),
  { $id: 'Priority' },
)

const FIELDS = {
  title: t.String({
    minLength: 1,
    maxLength: TITLE_MAX,
    description: 'Surrounding white space is removed. Lengths are in code points.',
  }),
  description: nullable(t.String({ maxLength: DESCRIPTION_MAX })),
  completed: t.Boolean(),
  priority: nullable(PrioritySchema),
  due_date: nullable(
    t.String({
      description:
        'An all-day date (2026-02-10), or an instant with its offset (2026-02-10T09:00:00+01:00), returned in UTC with milliseconds. Years 1970 to 9999.',
      examples: ['2026-02-10', '2026-02-10T09:00:00+01:00'],
    }),
  ),
  remind_at: nullable(
    t.String({
      description:
        'The instant, with its offset, to send a reminder at unless the task is completed; sets reminded_at. A different instant schedules a new reminder.',
      examples: ['2026-02-10T09:00:00+01:00'],
    }),
  ),
} satisfies Record<keyof typeof TASK_FIELDS, TSchema>

const OPTIONAL = t.Partial(t.Object(FIELDS)).properties

const readOnly = t.Optional(t.Unknown({ description: 'Read-only: accepted and ignored.' }))

const READ_ONLY = {
  id: readOnly,
  user_id: readOnly,
  reminded_at: readOnly,
  created_at: readOnly,
  updated_at: readOnly,
  revision: readOnly,
}

export const TaskSchema = t.Object(
  {
    id: t.String({ format: 'uuid', description: 'UUIDv7' }),
    user_id: t.String({ minLength: 1, maxLength: 255 }),
    ...FIELDS,
    reminded_at: nullable(timestamp),
    created_at: timestamp,
    updated_at: timestamp,
    revision: t.Integer({ minimum: 1, description: "The user's revision of the last change." }),
  },
  {
    ...strict,
    examples: [
      {
        id: '019c4750-8a00-7c1f-9d53-0f6f3c1f8e21',
        user_id: 'alice',
        title: 'Buy milk',
        description: null,
        completed: false,
        priority: 'high',
        due_date: '2026-02-12',
        remind_at: null,
        reminded_at: null,
        created_at: '2026-02-10T08:00:00.000Z',
        updated_at: '2026-02-10T08:00:00.000Z',
        revision: 41,
      },
    ],
  },
)

export const TaskDraftSchema = t.Object(
  {
    ...OPTIONAL,
    title: FIELDS.title,
    completed: t.Optional(t.Literal(false, { description: 'A new task is open.' })),
    ...READ_ONLY,
  },
  { ...strict, $id: 'TaskDraft' },
)

export const TaskPatchSchema = t.Object(
  { ...OPTIONAL, ...READ_ONLY },
  { ...strict, $id: 'TaskPatch' },
)

export const CompletionSchema = t.Object(
  { completed: OPTIONAL.completed },
  { ...strict, $id: 'Completion' },
)

export const EXPECTATIONS = {
  title: 'must be a string.',
  description: 'must be a string or null.',
  completed: 'must be true or false.',
  priority: `must be ${PRIORITIES.map((value) => `"${value}"`).join(', ')} or null.`,
  due_date: 'must be a string or null.',
  remind_at: 'must be a string or null.',
} satisfies Record<keyof typeof FIELDS, string>

const checkFields: FieldCheck = (fields) => taskIssues(fields as TaskPatch)

export const draftBody = bodyReader(
  TaskDraftSchema,
  { ...EXPECTATIONS, completed: 'must be false or absent: a new task is open.' },
  checkFields,
)
export const patchBody = bodyReader(TaskPatchSchema, EXPECTATIONS, checkFields)
export const completionBody = bodyReader(CompletionSchema, EXPECTATIONS)

export const readTaskDraft = (body: unknown): TaskDraft => writable(draftBody.read(body))
export const readTaskPatch = (body: unknown): TaskPatch => writable(patchBody.read(body))
/** Undefined without a body, which toggles. */
export const readCompletion = (body: unknown): boolean | undefined =>
  body === undefined ? undefined : completionBody.read(body).completed

const writable = <Body extends object>(body: Body) => {
  const { id, user_id, reminded_at, created_at, updated_at, revision, ...fields } = body as Body &
    Record<keyof typeof READ_ONLY, unknown>
  return fields
}

export const taskSchemas = {
  Priority: PrioritySchema,
  Task: TaskSchema,
  TaskDraft: TaskDraftSchema,
  TaskPatch: TaskPatchSchema,
  Completion: CompletionSchema,
}

export const taskRef = references(taskSchemas)
