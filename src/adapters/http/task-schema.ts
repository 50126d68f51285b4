import { type TSchema, Type as t } from '@sinclair/typebox'
import { DESCRIPTION_MAX, type TaskDraft, type TaskPatch, TITLE_MAX } from '../../domain/task.ts'
import { PRIORITIES } from '../../domain/task-query.ts'
import { reader } from './schema-reader.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => t.Union([schema, t.Null()])

const priority = nullable(t.Union(PRIORITIES.map((value) => t.Literal(value))))
const title = t.String({
  minLength: 1,
  maxLength: TITLE_MAX,
  description: 'Trimmed; lengths are in code points.',
})
const description = nullable(t.String({ maxLength: DESCRIPTION_MAX }))
const dueDate = nullable(
  t.String({
    description:
      'An all-day date (2026-02-10), kept as it is, or an instant with its offset (2026-02-10T09:00:00+01:00), answered in UTC with milliseconds. Years 1970 to 9999.',
    examples: ['2026-02-10', '2026-02-10T09:00:00+01:00'],
  }),
)
const remindAt = nullable(
  t.String({
    description:
      'An instant with its offset, at which an open task is reminded of: then reminded_at is set. Another instant is another reminder.',
    examples: ['2026-02-10T09:00:00+01:00'],
  }),
)
const ignored = (what: string) =>
  t.Optional(t.Unknown({ description: `Read-only: ${what} may be sent back and is ignored.` }))

/** What a client may send back from an answer and the server passes over. */
const READ_ONLY = {
  id: ignored('the id'),
  user_id: ignored('the user'),
  created_at: ignored('the time'),
  updated_at: ignored('the time'),
  reminded_at: ignored('when it was reminded of'),
  revision: ignored('the revision'),
}

export const TaskSchema = t.Object(
  {
    id: t.String({ format: 'uuid', description: 'UUIDv7' }),
    user_id: t.String({ minLength: 1, maxLength: 255 }),
    title,
    description,
    completed: t.Boolean(),
    priority,
    due_date: dueDate,
    remind_at: remindAt,
    reminded_at: nullable(t.String({ format: 'date-time' })),
    created_at: t.String({ format: 'date-time' }),
    updated_at: t.String({ format: 'date-time' }),
    revision: t.Integer({ minimum: 1, description: "The user's revision at the last change" }),
  },
  { additionalProperties: false },
)

export const TaskDraftSchema = t.Object(
  {
    title,
    description: t.Optional(description),
    completed: t.Optional(t.Literal(false, { description: 'A new task is open.' })),
    priority: t.Optional(priority),
    due_date: t.Optional(dueDate),
    remind_at: t.Optional(remindAt),
    ...READ_ONLY,
  },
  { additionalProperties: false },
)

export const TaskPatchSchema = t.Object(
  {
    title: t.Optional(title),
    description: t.Optional(description),
    completed: t.Optional(t.Boolean()),
    priority: t.Optional(priority),
    due_date: t.Optional(dueDate),
    remind_at: t.Optional(remindAt),
    ...READ_ONLY,
  },
  { additionalProperties: false },
)

export const CompletionSchema = t.Object(
  { completed: t.Optional(t.Boolean()) },
  { additionalProperties: false },
)

/** What each field must be, said when a value is of another type. */
export const MUST = {
  title: 'must be a string.',
  description: 'must be a string or null.',
  completed: 'must be true or false.',
  priority: `must be ${PRIORITIES.map((value) => `"${value}"`).join(', ')} or null.`,
  due_date: 'must be a string or null.',
  remind_at: 'must be a string or null.',
}

const readDraft = reader(TaskDraftSchema, {
  ...MUST,
  completed: 'must be false or absent: a new task is open.',
})
const readPatch = reader(TaskPatchSchema, MUST)
const readCompletion = reader(CompletionSchema, MUST)

/** Each throws `invalid`, naming every field that is missing, unknown or of the wrong type. */
export const taskDraft = (body: unknown): TaskDraft => writable(readDraft(body))
export const taskPatch = (body: unknown): TaskPatch => writable(readPatch(body))
export const completion = (body: unknown): boolean | undefined =>
  body === undefined ? undefined : readCompletion(body).completed

const writable = <Body extends object>(body: Body) => {
  const { id, user_id, reminded_at, created_at, updated_at, revision, ...fields } = body as Body &
    Record<keyof typeof READ_ONLY, unknown>
  return fields
}
