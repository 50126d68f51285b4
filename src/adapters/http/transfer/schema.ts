import { Type as t } from '@sinclair/typebox'
import { IMPORT_FORMATS } from '../../../application/ports.ts'
import { references } from '../openapi/schema.ts'

const count = t.Integer({ minimum: 0 })

const ImportReport = t.Object({
  format: t.Union(IMPORT_FORMATS.map((format) => t.Literal(format))),
  dry_run: t.Boolean(),
  found: t.Integer({ minimum: 1, description: 'Tasks in the file.' }),
  created: t.Integer({ minimum: 0, description: 'Tasks that are new, or would be.' }),
  unchanged: t.Integer({ minimum: 0, description: 'Tasks that are there already.' }),
  notes: t.Array(
    t.Object({
      field: t.String({ examples: ['INDENT'] }),
      detail: t.String(),
      count,
      at: t.Array(count, {
        description: 'The first 20 lines; in google and ics, the numbers of the tasks.',
      }),
    }),
    { description: 'What was not understood, or has no place in a task.' },
  ),
})

export const transferSchemas = { ImportReport }

export const transferRef = references(transferSchemas)
