import { Elysia } from 'elysia'
import type { App } from '../../application/index.ts'
import type { Task } from '../../domain/task.ts'
import { batch } from './batch-schema.ts'
import { ifMatch, listTag, noneMatchTask, seenList, taskTag } from './entity-tag.ts'
import { actorOf, exchangeOf } from './exchange.ts'
import { onceOf } from './idempotency-key.ts'
import { json, jsonText } from './json.ts'
import { listRequest, nextPage } from './list-request.ts'
import { operations } from './openapi.ts'
import { changeOperations } from './openapi-changes.ts'
import { JSON_TYPE, PATCH_TYPES, readJson } from './read-json.ts'
import { completion, taskDraft, taskPatch } from './task-schema.ts'

/** The six endpoints, and several of them at once. Bodies are read by `readJson`, never by the framework. */
export const taskRoutes = (app: App) => {
  const update =
    (types: readonly string[]) =>
    async ({ request, params }: Routed): Promise<Response> => {
      const actor = actorOf(request)
      const patch = taskPatch(await readJson(request, types))
      const precondition = ifMatch(request.headers)
      return taskAnswer(
        await app.updateTask(actor, params.id, patch, precondition, onceOf(request)),
      )
    }

  return new Elysia({ prefix: '/api/tasks', normalize: false })
    .get(
      '',
      async ({ request }) => {
        const actor = actorOf(request)
        const { search } = exchangeOf(request)
        const { query, page } = listRequest(actor, search)
        const seen = seenList(request.headers, actor, search)
        const list = await app.filterTasks(actor, query, page, seen)
        if (!list) return unchanged(listTag(seen ?? 0, actor, search))
        const last = list.more ? list.last : undefined
        return jsonText(200, list.json, {
          etag: listTag(list.revision, actor, search),
          ...(last && { link: nextPage(actor, search, query, last) }),
        })
      },
      { detail: operations.listTasks },
    )
    .post(
      '',
      async ({ request }) => {
        const actor = actorOf(request)
        const draft = taskDraft(await readJson(request, JSON_TYPE))
        const task = await app.createTask(actor, draft, onceOf(request))
        return taskAnswer(task, 201, { location: `/api/tasks/${task.id}` })
      },
      { parse: 'none', detail: operations.createTask },
    )
    .post(
      '/batch',
      async ({ request }) => {
        const actor = actorOf(request)
        const wanted = batch(await readJson(request, JSON_TYPE))
        return json(200, { changes: await app.changeTasks(actor, wanted, onceOf(request)) })
      },
      { parse: 'none', detail: changeOperations.changeTasks },
    )
    .get(
      '/:id',
      async ({ request, params }) => {
        const task = await app.getTask(actorOf(request), params.id)
        return noneMatchTask(request.headers, task) ? taskAnswer(task) : unchanged(taskTag(task))
      },
      { detail: operations.getTask },
    )
    .put('/:id', update(JSON_TYPE), { parse: 'none', detail: operations.putTask })
    .patch('/:id', update(PATCH_TYPES), { parse: 'none', detail: operations.patchTask })
    .patch(
      '/:id/complete',
      async ({ request, params }) => {
        const actor = actorOf(request)
        const want = completion(await readJson(request, PATCH_TYPES))
        const precondition = ifMatch(request.headers)
        return taskAnswer(
          await app.completeTask(actor, params.id, want, precondition, onceOf(request)),
        )
      },
      { parse: 'none', detail: operations.completeTask },
    )
    .delete(
      '/:id',
      async ({ request, params }) => {
        const precondition = ifMatch(request.headers)
        await app.deleteTask(actorOf(request), params.id, precondition, onceOf(request))
        return new Response(null, { status: 204 })
      },
      { parse: 'none', detail: operations.deleteTask },
    )
}

type Routed = { request: Request; params: { id: string } }

const taskAnswer = (task: Task, status = 200, headers: Record<string, string> = {}): Response =>
  json(status, task, { etag: taskTag(task), ...headers })

const unchanged = (etag: string): Response => new Response(null, { status: 304, headers: { etag } })
