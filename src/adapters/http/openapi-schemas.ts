import { Type as t } from '@sinclair/typebox'
import { CredentialsSchema, DeletionSchema, RegistrationSchema } from './account-schema.ts'
import { BatchSchema } from './batch-schema.ts'
import { ANSWERS } from './problem.ts'
import { CompletionSchema, TaskDraftSchema, TaskPatchSchema, TaskSchema } from './task-schema.ts'
import { ReplaySchema, WebhookDraftSchema, WebhookSchema } from './webhook-schema.ts'

const Task = t.Object(TaskSchema.properties, {
  additionalProperties: false,
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
})

/** How a problem document names its kind. */
export const problemType = (kind: string): string => `urn:taskport:problem:${kind}`

const Problem = t.Object(
  {
    type: t.Unsafe<string>({ type: 'string', enum: Object.keys(ANSWERS).map(problemType) }),
    title: t.String(),
    status: t.Integer({ minimum: 400, maximum: 599 }),
    detail: t.String({ description: 'One sentence that says what to do.' }),
    instance: t.Optional(t.String({ description: 'Names the request when the fault is ours.' })),
    code: t.Optional(t.String({ description: "The identity provider's own name for it." })),
    message: t.Optional(t.String({ description: "The identity provider's own words." })),
    errors: t.Optional(
      t.Array(
        t.Union([
          t.Object({ pointer: t.String({ examples: ['/title'] }), detail: t.String() }),
          t.Object({ parameter: t.String({ examples: ['status'] }), detail: t.String() }),
        ]),
        { description: 'One for each bad member, by its JSON Pointer, or each bad parameter.' },
      ),
    ),
  },
  { description: 'A problem document (RFC 9457).' },
)

const moment = t.String({ format: 'date-time' })

const User = t.Object({
  id: t.String({ description: 'What tokens carry as sub, and tasks as user_id.' }),
  name: t.String(),
  email: t.String(),
  emailVerified: t.Boolean(),
  image: t.Union([t.String(), t.Null()]),
  createdAt: moment,
  updatedAt: moment,
})

const Session = t.Object({
  user: t.Unsafe({ $ref: '#/components/schemas/User' }),
  session: t.Object({ id: t.String(), userId: t.String(), expiresAt: moment }),
})

const revision = t.Integer({ minimum: 1 })

const Change = t.Union(
  [
    t.Object({
      op: t.Literal('upsert'),
      revision,
      task: t.Unsafe({ $ref: '#/components/schemas/Task' }),
    }),
    t.Object({ op: t.Literal('delete'), revision, id: t.String({ format: 'uuid' }) }),
  ],
  { description: 'A task as it is now, or the id of one that is gone.' },
)

const Changes = t.Object({
  changes: t.Array(t.Unsafe({ $ref: '#/components/schemas/Change' })),
  revision: t.Integer({ minimum: 0, description: 'How far this answer goes.' }),
  cursor: t.String({ description: 'The same with its history; what to go on from as since.' }),
  has_more: t.Boolean({ description: 'Whether there is more to be had from there right now.' }),
})

export const schemas = {
  Task,
  Batch: BatchSchema,
  Webhook: WebhookSchema,
  WebhookDraft: WebhookDraftSchema,
  Replay: ReplaySchema,
  Change,
  Changes,
  TaskDraft: TaskDraftSchema,
  TaskPatch: TaskPatchSchema,
  Completion: CompletionSchema,
  Problem,
}

/** Of the identity provider, where the server is one. */
export const accountSchemas = {
  Registration: RegistrationSchema,
  Credentials: CredentialsSchema,
  Deletion: DeletionSchema,
  User,
  Session,
}

export const schemaOf = (name: keyof typeof schemas | keyof typeof accountSchemas) => ({
  $ref: `#/components/schemas/${name}`,
})

/** An object of texts; some can only be what is given. */
export const textsOf = (properties: Record<string, string | undefined>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties: Object.fromEntries(
    Object.entries(properties).map(([name, only]) => [
      name,
      { type: 'string', ...(only && { const: only }) },
    ]),
  ),
})
