import { BODY, body, onTasks } from './openapi.ts'
import { answer, eventStream } from './openapi-answers.ts'
import { CHANGE_QUERY, EVENT_QUERY, IDEMPOTENCY_KEY, LAST_EVENT_ID } from './openapi-parameters.ts'
import { schemaOf } from './openapi-schemas.ts'
import { JSON_TYPE } from './read-json.ts'

const CHANGED = {
  type: 'object',
  required: ['changes'],
  properties: { changes: { type: 'array', items: schemaOf('Change') } },
}

const EVENTS = eventStream(
  'The events, without end.',
  'The data of a message is a Change, in one line.',
)

/** What the document says of the routes that tell of changes, or make many. */
export const changeOperations = {
  changeTasks: onTasks(
    {
      operationId: 'changeTasks',
      summary: 'Several changes at once',
      description:
        'Carries out all operations, one after the other, or none. Answers the change that each has made; every one that changes something takes a revision.',
      parameters: [IDEMPOTENCY_KEY],
      requestBody: body('Batch', JSON_TYPE, {
        operations: [{ op: 'create', body: { title: 'Buy milk' } }],
      }),
      responses: {
        200: answer('The changes, one for each operation.', CHANGED, 'Idempotency-Replayed'),
      },
    },
    ...BODY,
    'forbidden',
    'quota-exceeded',
    'not-found',
    'stale',
    'key-reused',
  ),
  listChanges: onTasks(
    {
      operationId: 'listChanges',
      summary: 'What has changed',
      description:
        'Each changed task once, as it is now, and each deletion, in the order of their revisions; without since everything there is. None is missed while others write. Go on from cursor until has_more is false.',
      parameters: CHANGE_QUERY,
      responses: { 200: answer('The changes.', schemaOf('Changes')) },
    },
    'invalid',
    'gone',
  ),
  followChanges: onTasks(
    {
      operationId: 'followChanges',
      summary: 'What changes, as it happens',
      description:
        'The same changes as server-sent events, first those since then, then each as it comes. A message has a change as its data and its revision as its id; an event named current tells, with revision and cursor, that there is no more for now. Connect again with Last-Event-ID, or with the cursor as since. The stream ends when the token expires.',
      parameters: [...EVENT_QUERY, LAST_EVENT_ID],
      responses: { 200: EVENTS },
    },
    'invalid',
    'gone',
    'too-many-requests',
  ),
}
