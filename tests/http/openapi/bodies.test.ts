import { expect, test } from 'bun:test'
import { errorsOf, ofEverythingElse, operation } from './document.ts'
import { JSON_TYPE, send } from './exchange.ts'
import { seed } from './server.ts'

const bodies = ofEverythingElse.flatMap(({ operationId, requestBody }) =>
  requestBody && operationId !== 'importTasks' ? [[operationId, requestBody] as const] : [],
)

test('there are bodies to try', () => {
  expect(bodies.map(([id]) => id)).toEqual(
    expect.arrayContaining(['createTask', 'completeTask', 'changeTasks', 'createWebhook']),
  )
})

test.each(bodies)('%s takes its examples', async (id, { content }) => {
  expect(Object.keys(content)).toContain('application/json')
  for (const [type, { example }] of Object.entries(content)) {
    const raw = JSON.stringify(example)
    const { status } = await send(await seed(), id, { raw, headers: { 'content-type': type } })
    expect([type, status]).toEqual([type, id.startsWith('create') ? 201 : 200])
  }
})

test.each(bodies)('%s needs a body exactly when it is required', async (id, { required }) => {
  expect((await send(await seed(), id)).status).toBe(required ? 400 : 200)
})

test.each(bodies)('%s takes the documented types and no other', async (id, { content }) => {
  const types = [...Object.keys(content), 'application/merge-patch+json', 'text/json']
  for (const type of types) {
    const request = { raw: '{"title":""}', headers: { 'content-type': type } }
    const { status } = await send(await seed(), id, request)
    expect([type, status]).toEqual([type, type in content ? 400 : 415])
  }
})

test.each<[what: string, body: unknown]>([
  ['nothing', {}],
  ['a title', { title: 'a' }],
  ['an empty title', { title: '' }],
  ['a title of 201', { title: 'x'.repeat(201) }],
  ['a title of 200 outside the basic plane', { title: '𝄞'.repeat(200) }],
  ['null as title', { title: null }],
  ['null elsewhere', { title: 'a', description: null, priority: null, due_date: null }],
  ['an empty description', { title: 'a', description: '' }],
  ['a description of 1001', { title: 'a', description: 'x'.repeat(1001) }],
  ['a number as description', { title: 'a', description: 1 }],
  ['open', { title: 'a', completed: false }],
  ['completed', { title: 'a', completed: true }],
  ['only completed', { completed: true }],
  ['neither', { title: 'a', completed: null }],
  ['a priority', { title: 'a', priority: 'medium' }],
  ['a bad priority', { title: 'a', priority: 'urgent' }],
  ['a due date', { title: 'a', due_date: '2026-02-10' }],
  ['a number as due date', { title: 'a', due_date: 20260210 }],
  ['read-only', { title: 'a', id: 1, user_id: 2, created_at: 3, updated_at: 4, revision: '5' }],
  ['an unknown member', { title: 'a', colour: 'red' }],
  ['an array', []],
  ['a string', 'a'],
  ['null', null],
])('the schemas of bodies judge as the server does: %s', async (_, value) => {
  for (const id of ['createTask', 'putTask', 'patchTask', 'completeTask']) {
    const { schema = {} } = operation(id).requestBody?.content['application/json'] ?? {}
    const request = { raw: JSON.stringify(value), headers: JSON_TYPE }
    const { status } = await send(await seed(), id, request)
    expect([id, status < 400]).toEqual([id, errorsOf(schema, value) === undefined])
  }
})
