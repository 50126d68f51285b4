import { ORDERS, PAGE_MAX, SEARCH_MAX, SORTS, STATUSES } from '../../../domain/task-query.ts'
import { changeRef } from '../changes/schema.ts'
import {
  AUTHENTICATED,
  BODY_FAILURES,
  describeOperations,
  requestBody,
} from '../openapi/operation.ts'
import {
  ID,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  IF_NONE_MATCH,
  queryParameters,
  text,
} from '../openapi/parameters.ts'
import { response } from '../openapi/responses.ts'
import { arrayOf, object, references, TEXT } from '../openapi/schema.ts'
import { JSON_TYPE, PATCH_TYPES } from '../transport/read-json.ts'
import { batchSchemas } from './batch.ts'
import type { LIST_PARAMETERS } from './list-request.ts'
import { taskSchemas } from './schema.ts'

export const schemas = { ...taskSchemas, ...batchSchemas }

const { Task, TaskDraft, TaskPatch, Completion, Batch, Priority } = references(schemas)

const DUE = text({ examples: ['2026-02-10', '2026-02-10T09:00:00+01:00'] })

const LIST_QUERY = queryParameters<(typeof LIST_PARAMETERS)[number]>({
  status: ['Selects tasks by status.', text({ enum: STATUSES, default: 'all' })],
  sort: [
    'The field to sort by; tasks without a due date come last.',
    text({ enum: SORTS, default: 'created' }),
  ],
  order: ['Default: descending for created, ascending otherwise.', text({ enum: ORDERS })],
  limit: [
    'The page size; without it the whole list is returned.',
    { type: 'integer', minimum: 1, maximum: PAGE_MAX },
  ],
  cursor: ['The start of the page, from the Link header of the page before.', TEXT],
  q: [
    'Text that the title or description contains, ignoring case and accents.',
    text({ maxLength: SEARCH_MAX }),
  ],
  priority: ['Selects tasks by priority.', Priority],
  due_before: ['Selects tasks due before this date or instant.', DUE],
  due_after: ['Selects tasks due after this date or instant.', DUE],
})

const NOT_MODIFIED = response('The client has the current version.', null, 'ETag')
const CURRENT = response('The task.', Task, 'ETag')
const CHANGED = response(
  'The task after the change; for a retry, after the original request.',
  Task,
  'ETag',
  'Idempotency-Replayed',
)

const OWN = ['forbidden', 'not-found'] as const
const WRITE = [...OWN, 'stale', 'key-reused'] as const
const WRITE_BODY = [...BODY_FAILURES, ...WRITE] as const

const update = (types: readonly string[]) => ({
  scope: 'tasks:write' as const,
  summary: 'Update a task',
  description:
    'Merges: absent fields remain unchanged, null clears. Read-only fields are accepted and ignored. A request that changes nothing leaves the revision as it is.',
  parameters: [ID, IF_MATCH, IDEMPOTENCY_KEY],
  requestBody: requestBody(TaskPatch, types, { title: 'Buy oat milk', due_date: null }),
  responses: { 200: CHANGED },
  failures: [...WRITE_BODY, 'quota-exceeded'] as const,
})

export const operations = describeOperations('tasks', AUTHENTICATED, {
  listTasks: {
    scope: 'tasks:read',
    summary: 'List tasks',
    description:
      'Filtered, sorted and, with a limit, paged. Ties are broken by id. Unknown, repeated and invalid parameters are rejected.',
    parameters: [...LIST_QUERY, IF_NONE_MATCH],
    responses: { 200: response('The tasks.', arrayOf(Task), 'ETag', 'Link'), 304: NOT_MODIFIED },
    failures: ['invalid'],
  },
  createTask: {
    scope: 'tasks:write',
    summary: 'Create a task',
    description: 'Only the title is required. A new task is open.',
    parameters: [IDEMPOTENCY_KEY],
    requestBody: requestBody(TaskDraft, JSON_TYPE, {
      title: 'Buy milk',
      description: 'Two bottles',
      priority: 'high',
      due_date: '2026-02-12',
    }),
    responses: {
      201: response('The created task.', Task, 'ETag', 'Location', 'Idempotency-Replayed'),
    },
    failures: [...BODY_FAILURES, 'quota-exceeded', 'key-reused'],
  },
  changeTasks: {
    scope: 'tasks:write',
    summary: 'Apply a batch of operations',
    description:
      'Applies all operations in order, or none of them, and returns one change per operation. Each operation that changes something takes a revision. A personal token needs the scope tasks:delete as well if one of them is delete.',
    parameters: [IDEMPOTENCY_KEY],
    requestBody: requestBody(Batch, JSON_TYPE, {
      operations: [{ op: 'create', body: { title: 'Buy milk' } }],
    }),
    responses: {
      200: response(
        'The changes, one per operation.',
        object({ changes: arrayOf(changeRef.Change) }),
        'Idempotency-Replayed',
      ),
    },
    failures: [...WRITE_BODY, 'quota-exceeded'],
  },
  getTask: {
    scope: 'tasks:read',
    summary: 'Get a task',
    description: 'The ETag identifies its version.',
    parameters: [ID, IF_NONE_MATCH],
    responses: { 200: CURRENT, 304: NOT_MODIFIED },
    failures: OWN,
  },
  putTask: update(JSON_TYPE),
  patchTask: update(PATCH_TYPES),
  completeTask: {
    scope: 'tasks:write',
    summary: 'Complete or reopen a task',
    description:
      'Toggles the state, or sets it if the body has completed, which makes the request safe to retry.',
    parameters: [ID, IF_MATCH, IDEMPOTENCY_KEY],
    requestBody: requestBody(Completion, PATCH_TYPES, { completed: true }, false),
    responses: { 200: CHANGED },
    failures: WRITE_BODY,
  },
  deleteTask: {
    scope: 'tasks:delete',
    summary: 'Delete a task',
    description: 'Permanent. A second request is a 404.',
    parameters: [ID, IF_MATCH, IDEMPOTENCY_KEY],
    responses: { 204: response('The task is deleted.', null, 'Idempotency-Replayed') },
    failures: ['invalid', ...WRITE],
  },
})
