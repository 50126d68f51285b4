import { Elysia } from 'elysia'
import { fairShare } from '../../../application/fair-share.ts'
import type { App } from '../../../application/index.ts'
import { taskQuery } from '../../../domain/task-query.ts'
import type { Resource } from '../openapi/document.ts'
import { compressible } from '../transport/compress.ts'
import { json } from '../transport/json.ts'
import { TransportError } from '../transport/problem.ts'
import { readBody } from '../transport/read-json.ts'
import { actorOf, contextOf } from '../transport/request-context.ts'
import { csv, exported, ndjson } from './export.ts'
import { operations } from './operations.ts'
import { readExportRequest, readImportRequest } from './request.ts'
import { transferSchemas } from './schema.ts'

const FILE_BYTES = 8 * 2 ** 20

/** Bytes of files that are being read, of all users and of one. */
const BYTES_IN_FLIGHT = { capacity: 4 * FILE_BYTES, perOwner: FILE_BYTES }

const OLDEST_FIRST = taskQuery({ sort: 'created', order: 'asc' })

export const transferResource = (app: App): Resource => ({
  tag: { name: 'transfer', description: 'Export and import of tasks' },
  schemas: transferSchemas,
  routes: transferRoutes(app),
})

/** A form would be read as a part of the file. */
const requireNoForm = (headers: Headers): void => {
  if (!headers.get('content-type')?.toLowerCase().startsWith('multipart/')) return
  throw new TransportError(
    'unsupported-media-type',
    'Send the file itself as the body, not a form. With curl: --data-binary @<file>.',
  )
}

const transferRoutes = (app: App) => {
  const bytes = fairShare(BYTES_IN_FLIGHT)
  return new Elysia({ prefix: '/api', normalize: false })
    .get(
      '/export',
      async ({ request }) => {
        const actor = actorOf(request)
        const { search, scopes } = contextOf(request)
        const format = readExportRequest(search)
        const seesWebhooks = format !== 'csv' && (scopes?.includes('webhooks') ?? true)
        const webhooks = seesWebhooks ? await app.listWebhooks(actor) : []
        const { list, version } = await app.filterTasks(actor, OLDEST_FIRST)
        const at = new Date().toISOString()
        const writer = format === 'csv' ? csv() : ndjson({ owner: actor, version, at, webhooks })
        const tasks = list?.tasks
        const source = tasks?.stream?.() ?? new Blob([tasks?.text() ?? '[]']).stream()
        const name = `taskport-${at.slice(0, 10)}.${writer.extension}`
        const headers = {
          'content-type': writer.type,
          'content-disposition': `attachment; filename="${name}"`,
        }
        return compressible(new Response(exported(source, writer), { headers }), null)
      },
      operations.exportData,
    )
    .post(
      '/import',
      async ({ request }) => {
        const actor = actorOf(request)
        const { format, dryRun } = readImportRequest(contextOf(request).search)
        requireNoForm(request.headers)
        const held = await bytes.take(actor, FILE_BYTES)
        try {
          const file = await readBody(request, FILE_BYTES)
          const { found, created, unchanged, notes } = await app.importTasks(
            actor,
            format,
            file,
            dryRun,
          )
          return json(200, { format, dry_run: dryRun, found, created, unchanged, notes })
        } finally {
          held.settle(0)
        }
      },
      operations.importTasks,
    )
}
