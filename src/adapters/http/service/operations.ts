import { describeOperations } from '../openapi/operation.ts'
import { response } from '../openapi/responses.ts'
import { object, TEXT } from '../openapi/schema.ts'

const only = (value: string) => ({ ...TEXT, const: value })

export const operations = describeOperations(
  'service',
  {},
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
      description: 'Accesses the storage.',
      responses: { 200: response('Requests can be served.', object({ status: only('ready') })) },
      failures: ['internal', 'unavailable'],
    },
  },
)
