import { IMPORT_FORMATS } from '../../../application/ports.ts'
import { AUTHENTICATED, describeOperations } from '../openapi/operation.ts'
import { queryParameters, text } from '../openapi/parameters.ts'
import { download, response } from '../openapi/responses.ts'
import { EXPORT_FORMATS, type EXPORT_PARAMETERS, type IMPORT_PARAMETERS } from './request.ts'
import { transferRef } from './schema.ts'

const EXPORT_QUERY = queryParameters<(typeof EXPORT_PARAMETERS)[number]>({
  format: [
    'ndjson has everything; csv has the tasks, for spreadsheets.',
    text({ enum: EXPORT_FORMATS, default: 'ndjson' }),
  ],
})

const IMPORT_QUERY = queryParameters<(typeof IMPORT_PARAMETERS)[number]>({
  format: [
    'json is what the export writes, or an array of tasks.',
    text({ enum: IMPORT_FORMATS, default: 'json' }),
  ],
  dry_run: ['Only reports what would happen.', { type: 'boolean', default: false }],
})

const FILE = {
  required: true,
  content: {
    'application/octet-stream': { schema: text({ contentMediaType: 'application/octet-stream' }) },
  },
}

export const operations = describeOperations('transfer', AUTHENTICATED, {
  exportData: {
    summary: 'Export everything',
    description:
      'All tasks, oldest first, and webhooks without their secrets, as JSON objects on a line each. The last line has the type end; without it the export is not whole. A personal token gets the webhooks if it has the scope webhooks, too.',
    scope: 'tasks:read',
    parameters: EXPORT_QUERY,
    responses: {
      200: download('The export.', 'application/x-ndjson', 'text/csv; charset=utf-8'),
    },
    failures: ['invalid'],
  },
  importTasks: {
    summary: 'Import tasks',
    description:
      'Reads a file of at most 8 MiB, or a ZIP or gzip archive of such files, whatever its Content-Type, but not as a form. It is validated as a whole before anything is written. Importing the same file again changes nothing, even after its tasks were edited; what was deleted since is created again.',
    scope: 'tasks:write',
    parameters: IMPORT_QUERY,
    requestBody: FILE,
    responses: { 200: response('What was imported.', transferRef.ImportReport) },
    failures: [
      'invalid',
      'request-timeout',
      'payload-too-large',
      'unsupported-media-type',
      'quota-exceeded',
    ],
  },
})
