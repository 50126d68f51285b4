import { join } from 'node:path'
import { api } from '../src/adapters/http/api.ts'
import { handler } from '../src/adapters/http/handler.ts'
import { importReader } from '../src/adapters/import/index.ts'
import { tokenVerifier } from '../src/adapters/jwt/index.ts'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { budgetsOf } from '../src/adapters/limits/index.ts'
import { requestFigures } from '../src/adapters/metrics/requests.ts'
import { tokenSecrets } from '../src/adapters/tokens/index.ts'
import { noTraces } from '../src/adapters/traces/index.ts'
import { webhooksTo } from '../src/adapters/webhooks/index.ts'
import { createApp } from '../src/application/index.ts'
import { taskQuery } from '../src/domain/task-query.ts'
import { createLog } from '../src/runtime/log.ts'
import { openStorage } from '../src/runtime/storage.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { SHARED } from '../tests/support/server.ts'

/**
 * What each layer of a request adds on SQLite, in microseconds: the same request given to the store,
 * to the use case, to the router and to the whole handler, without and with its log line and metrics, in one
 * process and without a socket. `bun bench/layers.ts > /dev/null`; the table goes to stderr.
 */
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const log = await createLog('info')
const path = join(temporaryFolder(), 'layers.db')
const storage = await openStorage({ kind: 'sqlite', path }, silent, (error) => {
  throw error
})
const app = createApp(
  {
    ...storage,
    budgets: budgetsOf(1_000_000),
    ...webhooksTo({ http: false, private: false }),
    traces: noTraces,
    tokenSecrets,
    readImport: importReader(),
    chance: Math.random,
    failingJobs: () => [],
    wake: () => {},
    now: () => new Date().toISOString(),
    steadyNow: () => new Date().toISOString(),
    newId: (at) => Bun.randomUUIDv7('hex', Date.parse(at)),
  },
  { taskQuota: 1000 },
)
const secret = SHARED.BETTER_AUTH_SECRET
const token = await sharedSecretSigner({ secret })('ada', 86_400)
const routes = api(app, tokenVerifier({ secret }), { version: '' })
const quiet = handler(routes, { log: silent })
const logged = handler(routes, { log })
const measured = handler(routes, { log, measure: requestFigures().count })

for (let n = 0; n < 100; n++) {
  const description = n % 2 === 0 ? 'Something to be done before long, and well' : null
  await app.createTask('ada', { title: `Task ${n}`, description, due_date: '2026-03-15' })
}
const page = { limit: 50, after: null }
const { list } = await app.filterTasks('ada', taskQuery({}), page)
const id = list?.last?.id ?? ''

const ROUNDS = 9
const TIMES = 10_000

const median = async (step: () => unknown): Promise<number> => {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    for (let n = 0; n < TIMES; n++) await step()
    rounds.push(((performance.now() - began) * 1000) / TIMES)
  }
  return rounds.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
}

const requests: [name: string, path: string, store?: () => unknown, useCase?: () => unknown][] = [
  ['health', '/health'],
  ['get', `/api/tasks/${id}`, () => storage.tasks.get('ada', id), () => app.getTask('ada', id)],
  [
    'list 50',
    '/api/tasks?limit=50',
    () => storage.tasks.list('ada', taskQuery({}), page),
    () => app.filterTasks('ada', taskQuery({}), page),
  ],
  [
    'feed of 20',
    '/api/changes?since=80',
    () => storage.tasks.changes('ada', 80, 80, 100),
    () => app.listChanges('ada', { revision: 80, timeline: null, snapshot: null }, 100),
  ],
]

process.stderr.write(
  '| | store | use case | router | handler | with its log line | and metrics |\n|---|---|---|---|---|---|---|\n',
)
for (const [name, path, store, useCase] of requests) {
  const request = (): Request =>
    new Request(`http://localhost:8000${path}`, { headers: { authorization: `Bearer ${token}` } })
  const steps = [
    store,
    useCase,
    () => routes.routes.handle(request()),
    () => quiet(request()),
    () => logged(request()),
    () => measured(request()),
  ]
  const columns: string[] = []
  for (const step of steps) columns.push(step ? (await median(step)).toFixed(1) : '')
  process.stderr.write(`| ${name} | ${columns.join(' | ')} |\n`)
}
process.exit(0)
