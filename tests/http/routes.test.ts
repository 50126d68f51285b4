import { expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { requireOperations } from '../../src/adapters/http/api.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { json, openHttp } from '../support/http.ts'

test('a route without an operation is rejected by its name', () => {
  const documented = { detail: { operationId: 'getThing' } }
  const routes = new Elysia()
    .get('/things/:id', () => '', documented)
    .get('/internal', () => '', { detail: { hide: true } })
  expect(() => requireOperations(routes)).not.toThrow()
  routes.put('/things/:id', () => '')
  expect(() => requireOperations(routes)).toThrow(
    'The route PUT /things/:id has no OpenAPI operation.',
  )
})

test('every operation has the tag of its resource', async () => {
  const { paths } = await json(openHttp(memoryStorage().tasks).call('GET', '/docs/json'))
  const tagOf: Record<string, string> = {
    '/api/tasks': 'tasks',
    '/api/changes': 'changes',
    '/api/events': 'changes',
    '/api/webhooks': 'webhooks',
    '/api/tokens': 'tokens',
    '/api/export': 'transfer',
    '/api/import': 'transfer',
  }
  for (const [path, operations] of Object.entries<Record<string, { tags: string[] }>>(paths)) {
    const root = path.split('/').slice(0, 3).join('/')
    for (const { tags } of Object.values(operations)) {
      expect([path, tags]).toEqual([path, [tagOf[root] ?? 'service']])
    }
  }
})
