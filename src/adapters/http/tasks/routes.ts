import { Elysia } from 'elysia'
import type { App } from '../../../application/index.ts'
import type { TaskResult } from '../../../application/tasks/execute-one.ts'
import type { Resource } from '../openapi/document.ts'
import { ifMatch, knownTaskTag, listCheck, listTag, taskTag } from '../transport/entity-tag.ts'
import { idempotencyKeyOf, noteReplay } from '../transport/idempotency-key.ts'
import { empty, json, jsonOf, jsonText } from '../transport/json.ts'
import { JSON_TYPE, PATCH_TYPES, readJson } from '../transport/read-json.ts'
import { actorOf, contextOf } from '../transport/request-context.ts'
import { requireScopeFor } from '../transport/scopes.ts'
import { readBatch, withPaths } from './batch.ts'
import { nextPage, readListRequest } from './list-request.ts'
import { operations, schemas } from './operations.ts'
import { readCompletion, readTaskDraft, readTaskPatch } from './schema.ts'

export const taskResource = (app: App): Resource => ({
  tag: { name: 'tasks', description: "The user's tasks" },
  schemas,
  routes: taskRoutes(app),
})

type Routed = Readonly<{ request: Request; params: { id: string } }>

const taskRoutes = (app: App) => {
  const update =
    (types: readonly string[]) =>
    async ({ request, params }: Routed): Promise<Response> => {
      const actor = actorOf(request)
      const patch = readTaskPatch(await readJson(request, types))
      const precondition = ifMatch(request.headers)
      const key = idempotencyKeyOf(request)
      const result = await app.updateTask(actor, params.id, patch, precondition, key)
      return taskResponse(noteReplay(request, result))
    }

  return new Elysia({ prefix: '/api/tasks', normalize: false })
    .get(
      '',
      async ({ request }) => {
        const actor = actorOf(request)
        const { search } = contextOf(request)
        const wanted = readListRequest(actor, search)
        const isKnown = listCheck(request.headers, actor, search)
        const { query, page } = wanted
        const { version, list } = await app.filterTasks(actor, query, page, isKnown)
        const etag = listTag(version, actor, search)
        if (!list) return notModified(etag)
        const last = list.more ? list.last : undefined
        const link = last && { link: nextPage(wanted, last) }
        return jsonOf(200, list.tasks, { etag, ...link })
      },
      operations.listTasks,
    )
    .post(
      '',
      async ({ request }) => {
        const actor = actorOf(request)
        const draft = readTaskDraft(await readJson(request, JSON_TYPE))
        const result = await app.createTask(actor, draft, idempotencyKeyOf(request))
        const location = `/api/tasks/${result.task.id}`
        return taskResponse(noteReplay(request, result), 201, { location })
      },
      operations.createTask,
    )
    .post(
      '/batch',
      async ({ request }) => {
        const actor = actorOf(request)
        const batch = readBatch(await readJson(request, JSON_TYPE))
        if (batch.some(({ op }) => op === 'delete')) requireScopeFor(request, 'tasks:delete')
        const key = idempotencyKeyOf(request)
        const result = await withPaths(app.changeTasks(actor, batch, key))
        const { changes } = noteReplay(request, result)
        return json(200, { changes })
      },
      operations.changeTasks,
    )
    .get(
      '/:id',
      async ({ request, params }) => {
        const { document, version } = await app.getTask(actorOf(request), params.id)
        const known = knownTaskTag(request.headers, version)
        return known
          ? notModified(known)
          : jsonText(200, document.text(), { etag: taskTag(version) })
      },
      operations.getTask,
    )
    .put('/:id', update(JSON_TYPE), operations.putTask)
    .patch('/:id', update(PATCH_TYPES), operations.patchTask)
    .patch(
      '/:id/complete',
      async ({ request, params }) => {
        const actor = actorOf(request)
        const completed = readCompletion(await readJson(request, PATCH_TYPES))
        const precondition = ifMatch(request.headers)
        const key = idempotencyKeyOf(request)
        const result = await app.completeTask(actor, params.id, completed, precondition, key)
        return taskResponse(noteReplay(request, result))
      },
      operations.completeTask,
    )
    .delete(
      '/:id',
      async ({ request, params }) => {
        const precondition = ifMatch(request.headers)
        const actor = actorOf(request)
        const key = idempotencyKeyOf(request)
        noteReplay(request, await app.deleteTask(actor, params.id, precondition, key))
        return empty(204)
      },
      operations.deleteTask,
    )
}

const taskResponse = (
  { task, version }: TaskResult,
  status = 200,
  headers: Record<string, string> = {},
): Response => json(status, task, { etag: taskTag(version), ...headers })

const notModified = (etag: string): Response => empty(304, { etag })
