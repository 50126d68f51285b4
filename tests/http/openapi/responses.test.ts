import { describe, expect, test } from 'bun:test'
import { ofEverythingElse, operation, scopeFor } from './document.ts'
import { abortedBody, expectDocumented, JSON_TYPE, type Request, send } from './exchange.ts'
import {
  DomainError,
  openFailingServer,
  openServer,
  type Seed,
  seed,
  TOKEN,
  WEBHOOK,
} from './server.ts'

type Prepare = (seed: Seed) => Promise<Request>
type Case = readonly [operationId: string, status: number, why: string, request: Request | Prepare]

const NEW = { body: { title: 'New' } }
const BATCH = { body: { operations: [{ op: 'create', ...NEW }] } }

/** A request of every operation under `/api/` that succeeds. */
const GOOD: Readonly<Record<string, Request>> = {
  listTasks: {},
  createTask: NEW,
  getTask: {},
  putTask: { body: { title: 'Changed', completed: true, due_date: null } },
  patchTask: { body: { description: 'Changed', priority: 'high' } },
  completeTask: {},
  deleteTask: {},
  changeTasks: BATCH,
  listChanges: {},
  followChanges: {},
  createWebhook: { body: WEBHOOK },
  listWebhooks: {},
  getWebhook: {},
  deleteWebhook: {},
  pingWebhook: {},
  rotateSecret: {},
  replayWebhook: { body: { since: 0 } },
  createToken: { body: TOKEN },
  listTokens: {},
  deleteToken: {},
  exportData: {},
  importTasks: { search: '?format=todo.txt', raw: 'a' },
}

const away = openFailingServer(new DomainError('unavailable', 'The storage cannot be reached.'))
const degraded = openServer({
  failingJobs: () => [{ job: 'purge-expired', since: '2020-02-10T12:00:00.000Z' }],
})
const broken = openFailingServer(new Error('broken'))
const full = openServer({ taskQuota: 0 })
const exhausted = openServer({ budgets: { spend: () => ({ left: 0, wait: 1, reset: 1 }) } })
const tiny = openServer({ storageQuota: 0 })

/** As a personal token that lacks what the operation needs. */
const withoutScope =
  (operationId: string, good: Request): Prepare =>
  async (seeded) => {
    const needed = scopeFor(operationId)
    const scopes = ['webhooks', 'tasks:read'].filter((scope) => scope !== needed)
    const body = { name: 'weak', scopes }
    const response = await send(seeded, 'createToken', { body })
    return { ...good, as: ((await response.json()) as { token: string }).token }
  }

const takes = (operationId: string, header: string): boolean =>
  operation(operationId).parameters.some(({ name }) => name === header)

const unchanged =
  (operationId: string): Prepare =>
  async (seeded) => {
    const etag = (await send(seeded, operationId)).headers.get('etag')
    return { headers: { 'if-none-match': etag ?? '' } }
  }

/** What operations have in common, by what the document says of them. */
const common = Object.entries(GOOD).flatMap(([id, good]): Case[] => {
  const { path, requestBody } = operation(id)
  const cases: Case[] = [
    [id, 401, 'without a token', { ...good, as: null }],
    [id, 401, 'with a bad token', { ...good, as: 'bad' }],
    [id, 403, 'without the scope', withoutScope(id, good)],
    [id, 429, 'beyond the budget', { ...good, server: exhausted }],
    [id, 503, 'without a key', { ...good, as: 'keyless' }],
    [id, 503, 'while the storage is away', { ...good, server: away }],
    [id, 500, 'when the storage is broken', { ...good, server: broken }],
  ]
  if (path.includes('{id}')) {
    const forbidden = path.startsWith('/api/tasks/') ? 403 : 404
    cases.push(
      [id, forbidden, "for another user's", { ...good, as: 'bob' }],
      [id, 404, "for nobody's", { ...good, id: Bun.randomUUIDv7() }],
      [id, 404, 'for what is no id', { ...good, id: 'x' }],
    )
  }
  if (requestBody?.content['application/json']) {
    const large = ' '.repeat(65_537)
    cases.push(
      [id, 400, 'for what is no JSON', { raw: '{', headers: JSON_TYPE }],
      [id, 400, 'for a bad member', { body: { completed: 1, title: 5 } }],
      [id, 408, 'for a body that ends too soon', async () => abortedBody()],
      [id, 413, 'for a large body', { raw: large, headers: JSON_TYPE }],
      [id, 415, 'for a form', { raw: 'a=1', headers: { 'content-type': 'text/plain' } }],
    )
  }
  if (takes(id, 'If-Match')) {
    cases.push(
      [id, 400, 'for a tag without quotes', { ...good, headers: { 'if-match': '2' } }],
      [id, 412, 'for an old tag', { ...good, headers: { 'if-match': '"1"' } }],
    )
  }
  if (takes(id, 'Idempotency-Key')) {
    cases.push(
      [id, 400, 'for a key with a space', { ...good, headers: { 'idempotency-key': 'a b' } }],
      [id, 422, 'for a key used before', { ...good, headers: { 'idempotency-key': 'used' } }],
    )
  }
  if (takes(id, 'If-None-Match')) cases.push([id, 304, 'when nothing changed', unchanged(id)])
  return cases
})

/** A batch of one operation, on the task there is unless it says otherwise. */
const oneOf =
  (one: object, more: Request = {}): Prepare =>
  async ({ taskId }) => ({ ...more, body: { operations: [{ id: taskId, ...one }] } })

const afterDeletion: Prepare = async (seeded) => {
  await send(seeded, 'deleteTask')
  return { search: '?since=2' }
}

const withTenWebhooks: Prepare = async (seeded) => {
  for (let n = 1; n < 10; n++) await send(seeded, 'createWebhook', { body: WEBHOOK })
  return { body: WEBHOOK }
}

const withFiftyTokens: Prepare = async (seeded) => {
  for (let n = 1; n < 50; n++) await send(seeded, 'createToken', { body: TOKEN })
  return { body: TOKEN }
}

const CASES: Case[] = [
  ...common,
  ...Object.entries(GOOD).map(([id, good]): Case => {
    const status = Object.keys(operation(id).responses).find((code) => code.startsWith('2'))
    return [id, Number(status), 'for a good request', good]
  }),
  ['listTasks', 200, 'with nothing', { as: 'bob' }],
  ['listTasks', 200, 'with a page', { search: '?limit=1&sort=title' }],
  ['listTasks', 400, 'for a bad value', { search: '?status=done' }],
  ['listTasks', 400, 'for an unknown parameter', { search: '?state=all' }],
  ['createTask', 403, 'beyond the quota', { ...NEW, server: full }],
  ['createTask', 403, 'beyond the bytes', { ...NEW, server: tiny }],
  ['completeTask', 200, 'with the task set', { body: { completed: false } }],
  ['changeTasks', 403, 'beyond the quota', { ...BATCH, server: full }],
  ['changeTasks', 403, "for another user's task", oneOf({ op: 'complete' }, { as: 'bob' })],
  ['changeTasks', 404, 'for what is no id', oneOf({ op: 'delete', id: 'x' })],
  ['changeTasks', 412, 'for an old revision', oneOf({ op: 'delete', if_match: 1 })],
  ['listChanges', 200, 'with a page', { search: '?limit=1' }],
  ['listChanges', 200, 'with a deletion', afterDeletion],
  ['listChanges', 400, 'for a bad value', { search: '?since=-1' }],
  ['listChanges', 410, 'for a revision to come', { search: '?since=99' }],
  ['followChanges', 200, 'with a deletion', afterDeletion],
  ['followChanges', 400, 'for a bad value', { headers: { 'last-event-id': 'x' } }],
  ['followChanges', 410, 'for a revision to come', { headers: { 'last-event-id': '99' } }],
  ['followChanges', 429, 'beyond the limit', { server: openServer({ streams: { perUser: 0 } }) }],
  ['createWebhook', 400, 'for a bad scheme', { body: { ...WEBHOOK, url: 'http://x.example.com' } }],
  ['createWebhook', 403, 'beyond the limit', withTenWebhooks],
  ['replayWebhook', 410, 'for a revision to come', { body: { since: 99 } }],
  ['createToken', 403, 'beyond the limit', withFiftyTokens],
  [
    'createToken',
    400,
    'for a past expiry',
    { body: { ...TOKEN, expires_at: '2020-02-10T12:00:00Z' } },
  ],
  ['exportData', 200, 'as CSV', { search: '?format=csv' }],
  ['exportData', 400, 'for a bad value', { search: '?format=xml' }],
  [
    'importTasks',
    200,
    'only to report',
    { search: '?format=csv&dry_run=true', raw: 'title,x\na,b' },
  ],
  ['importTasks', 400, 'for a file of another format', { search: '?format=ics', raw: 'a' }],
  [
    'importTasks',
    403,
    'beyond the quota',
    { search: '?format=csv', raw: 'title\na', server: full },
  ],
  [
    'importTasks',
    408,
    'for a body that ends too soon',
    async () => ({ ...abortedBody({}), search: '?format=csv' }),
  ],
  [
    'importTasks',
    413,
    'for a large file',
    { search: '?format=csv', raw: 'x'.repeat(8 * 2 ** 20 + 1) },
  ],
  [
    'importTasks',
    415,
    'for a form',
    { raw: 'a', headers: { 'content-type': 'multipart/form-data; boundary=b' } },
  ],
  ['root', 200, 'always', { as: null }],
  ['health', 200, 'always', { as: null }],
  ['ready', 200, 'when all is well', { as: null }],
  ['ready', 200, 'while a background job fails', { server: degraded }],
  ['ready', 503, 'while the storage is away', { server: away }],
  ['ready', 500, 'when the storage is broken', { server: broken }],
]

describe('a response is as documented', () => {
  test.each(CASES)('%s: %d %s', async (id, status, _, request) => {
    const seeded = await seed()
    const response = await send(
      seeded,
      id,
      typeof request === 'function' ? await request(seeded) : request,
    )
    expect(response.status).toBe(status)
    await expectDocumented(id, response)
  })

  test('and every documented one is tested here', () => {
    const documented = ofEverythingElse.flatMap(({ operationId, responses }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    )
    const tested = new Set(CASES.map(([id, status]) => `${id} ${status}`))
    expect([...tested].sort()).toEqual(documented.sort())
  })

  const repeatable = ofEverythingElse.filter(({ operationId }) =>
    takes(operationId, 'Idempotency-Key'),
  )

  test('to writes of tasks also when they are repeated with their key', () => {
    expect(repeatable.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining(['createTask', 'putTask', 'deleteTask', 'changeTasks']),
    )
  })

  test.each(repeatable)('$operationId: when it is repeated with its key', async (repeated) => {
    const { operationId: id } = repeated
    const seeded = await seed()
    const request = { ...GOOD[id], headers: { 'idempotency-key': '"again"' } }
    const first = await send(seeded, id, request)
    const again = await send(seeded, id, request)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.status).toBe(first.status)
    await expectDocumented(id, again)
  })

  test('a page has a link exactly when there is more', async () => {
    const seeded = await seed()
    for (const [limit, more] of [
      [1, true],
      [2, false],
    ] as const) {
      const response = await send(seeded, 'listTasks', { search: `?limit=${limit}` })
      expect([limit, response.headers.has('link')]).toEqual([limit, more])
      await expectDocumented('listTasks', response)
    }
  })
})
