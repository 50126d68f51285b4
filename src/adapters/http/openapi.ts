import type { DocumentDecoration } from 'elysia'
import { answer, type Failure, failures } from './openapi-answers.ts'
import {
  IDEMPOTENCY_KEY,
  IF_MATCH,
  IF_NONE_MATCH,
  LIST_QUERY,
  REQUEST_ID,
  TASK_ID,
} from './openapi-parameters.ts'
import { schemaOf, textsOf } from './openapi-schemas.ts'
import { JSON_TYPE, PATCH_TYPES } from './read-json.ts'

type Operation = Readonly<{
  operationId: string
  summary: string
  description: string
  parameters?: object[]
  requestBody?: object
  responses: object
}>

/** An operation as the document has it. The framework's types know OpenAPI 3.0 only. */
export const operation = (tag: string, { parameters: own = [], ...rest }: Operation) =>
  ({ tags: [tag], ...rest, parameters: [...own, REQUEST_ID] }) as DocumentDecoration

/** With the token that every operation on tasks asks for, and the failures that any can meet. */
export const onTasks = (rest: Operation, ...kinds: readonly Failure[]): DocumentDecoration => ({
  ...operation('tasks', {
    ...rest,
    responses: {
      ...rest.responses,
      ...failures('unauthenticated', 'internal', 'unavailable', ...kinds),
    },
  }),
  security: [{ bearer: [] }],
})

const OWN = ['forbidden', 'not-found'] as const
export const BODY = ['invalid', 'payload-too-large', 'unsupported-media-type'] as const
const WRITE = [...BODY, ...OWN, 'stale', 'key-reused'] as const
const UNCHANGED = answer('Nothing has changed since.', null, 'ETag')
const CURRENT = answer('The task as it is now.', schemaOf('Task'), 'ETag')
const CHANGED = answer(
  'The task as it is now, or was after this request the first time.',
  schemaOf('Task'),
  'ETag',
  'Idempotency-Replayed',
)

export const body = (
  name: Parameters<typeof schemaOf>[0],
  types: readonly string[],
  example: object,
  required = true,
) => {
  const content = { schema: schemaOf(name), example }
  return { required, content: Object.fromEntries(types.map((type) => [type, content])) }
}

const update = (method: string, types: readonly string[]) => ({
  operationId: `${method}Task`,
  summary: 'Change a task',
  description:
    'Merges: what is absent stays as it is, null clears. Read-only fields may be sent back and are ignored. What changes nothing is not written.',
  parameters: [TASK_ID, IF_MATCH, IDEMPOTENCY_KEY],
  requestBody: body('TaskPatch', types, { title: 'Buy oat milk', due_date: null }),
  responses: { 200: CHANGED },
})

/** What the document says of each route. */
export const operations = {
  listTasks: onTasks(
    {
      operationId: 'listTasks',
      summary: 'List your tasks',
      description:
        'Filtered, sorted and, with a limit, page by page; ties are broken by id. An unknown parameter, a repeated one or a bad value is refused.',
      parameters: [...LIST_QUERY, IF_NONE_MATCH],
      responses: {
        200: answer('The tasks.', { type: 'array', items: schemaOf('Task') }, 'ETag', 'Link'),
        304: UNCHANGED,
      },
    },
    'invalid',
  ),
  createTask: onTasks(
    {
      operationId: 'createTask',
      summary: 'Create a task',
      description: 'Only the title is required. A new task is open.',
      parameters: [IDEMPOTENCY_KEY],
      requestBody: body('TaskDraft', JSON_TYPE, {
        title: 'Buy milk',
        description: 'Two bottles',
        priority: 'high',
        due_date: '2026-02-12',
      }),
      responses: {
        201: answer('The new task.', schemaOf('Task'), 'ETag', 'Location', 'Idempotency-Replayed'),
      },
    },
    ...BODY,
    'quota-exceeded',
    'key-reused',
  ),
  getTask: onTasks(
    {
      operationId: 'getTask',
      summary: 'Read a task',
      description: 'Its ETag is its revision.',
      parameters: [TASK_ID, IF_NONE_MATCH],
      responses: { 200: CURRENT, 304: UNCHANGED },
    },
    ...OWN,
  ),
  putTask: onTasks(update('put', JSON_TYPE), ...WRITE),
  patchTask: onTasks(update('patch', PATCH_TYPES), ...WRITE),
  completeTask: onTasks(
    {
      operationId: 'completeTask',
      summary: 'Complete or reopen a task',
      description:
        'Toggles, unless the body says which: with completed it sets, and is then safe to repeat.',
      parameters: [TASK_ID, IF_MATCH, IDEMPOTENCY_KEY],
      requestBody: body('Completion', PATCH_TYPES, { completed: true }, false),
      responses: { 200: CHANGED },
    },
    ...WRITE,
  ),
  deleteTask: onTasks(
    {
      operationId: 'deleteTask',
      summary: 'Delete a task',
      description: 'For good. A second time it is not found.',
      parameters: [TASK_ID, IF_MATCH, IDEMPOTENCY_KEY],
      responses: { 204: answer('It is gone.', null, 'Idempotency-Replayed') },
    },
    'invalid',
    ...OWN,
    'stale',
    'key-reused',
  ),
  health: operation('service', {
    operationId: 'health',
    summary: 'Is the process alive?',
    description: 'Does not touch the storage.',
    responses: { 200: answer('It is.', textsOf({ status: 'healthy' })) },
  }),
  ready: operation('service', {
    operationId: 'ready',
    summary: 'Can requests be served?',
    description: 'Asks the storage.',
    responses: {
      200: answer('They can.', textsOf({ status: 'ready' })),
      ...failures('internal', 'unavailable'),
    },
  }),
  root: operation('service', {
    operationId: 'root',
    summary: 'What is this?',
    description: 'The service, its version, and where to go from here.',
    responses: {
      200: answer(
        'The service.',
        textsOf({ name: 'taskport', version: undefined, docs: '/docs', health: '/health' }),
      ),
    },
  }),
}
