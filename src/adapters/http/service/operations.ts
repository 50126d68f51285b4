import { describeOperations, OPEN } from '../openapi/operation.ts'
import { response } from '../openapi/responses.ts'
import { arrayOf, object, TEXT, timestamp } from '../openapi/schema.ts'

const only = (value: string) => ({ ...TEXT, const: value })

const READY = {
  type: 'object',
  required: ['status'],
  properties: {
    status: only('ready'),
    degraded: arrayOf(object({ job: TEXT, since: timestamp })),
  },
}

export const operations = describeOperations(
  'service',
  { security: OPEN },
  {
    root: {
      summary: 'Describe the service',
      description: 'Its name and version, and the paths of its documentation and health check.',
      responses: {
        200: response(
          'The service.',
          object({
            name: only('taskport'),
            version: TEXT,
            docs: only('/docs'),
            health: only('/health'),
          }),
        ),
      },
    },
    health: {
      summary: 'Check liveness',
      description: 'Does not access the storage.',
      responses: { 200: response('The process is alive.', object({ status: only('healthy') })) },
    },
    ready: {
      summary: 'Check readiness',
      description:
        'Accesses the storage. Background jobs that have failed for a minute or longer are named in ' +
        '`degraded`: requests are served all the same, so the status stays 200.',
      responses: { 200: response('Requests can be served.', READY) },
      failures: ['internal', 'unavailable'],
    },
  },
)
