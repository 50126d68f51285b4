import postgres from 'postgres'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { REMINDERS } from '../src/adapters/postgres/reminders.ts'
import { DOCUMENT_FORMAT } from '../src/application/documents.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { freshDatabase } from '../tests/support/postgres.ts'
import { startReceiver } from '../tests/support/receiver.ts'
import { SHARED, startServer } from '../tests/support/server.ts'

/**
 * What background work does and costs, on SQLite and with two processes on PostgreSQL: how late
 * reminders are, webhook messages per second, queries per second when idle, and the cost of looking
 * for reminders among a million tasks.
 */
const USERS = 100
const EACH = 10
const SPAN = 20_000
const HOOKS = 20
const CHANGES = 500

const env = { ...SHARED, WEBHOOK_ALLOW: 'http,private' }
const sign = sharedSecretSigner({ secret: SHARED.BETTER_AUTH_SECRET })

const client = (url: string) => async (user: string, path: string, body: unknown) => {
  const headers = {
    authorization: `Bearer ${await sign(user, 3600)}`,
    'content-type': 'application/json',
  }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as { id: string }
}

const percentiles = (all: number[]): string => {
  all.sort((a, b) => a - b)
  const at = (share: number): string => `${all[Math.floor(all.length * share)]} ms`
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`
}

const reminders = async (post: ReturnType<typeof client>): Promise<void> => {
  const receiver = await startReceiver()
  const start = Date.now() + 3000
  for (let n = 0; n < USERS; n++) {
    const operations = Array.from({ length: EACH }, (_, k) => ({
      op: 'create',
      body: {
        title: `${k}`,
        remind_at: new Date(start + (SPAN * (k * USERS + n)) / (USERS * EACH)).toISOString(),
      },
    }))
    await post(`user-${n}`, '/api/tasks/batch', { operations })
    await post(`user-${n}`, '/api/webhooks', {
      url: `${receiver.url}/${n}`,
      events: ['task.reminder'],
    })
  }
  const all = () => [...receiver.deliveries.values()].flat()
  while (all().length < USERS * EACH) await receiver.news()
  const late = all().map(({ body, at }) => {
    const { remind_at, reminded_at } = JSON.parse(body).data.task
    const due = Date.parse(remind_at)
    return { fired: Date.parse(reminded_at) - due, received: at - due }
  })
  console.log(`  ${USERS * EACH} reminders in ${SPAN / 1000} s, from their time`)
  console.log(`    until they are changes: ${percentiles(late.map(({ fired }) => fired))}`)
  console.log(
    `    until the webhook has them: ${percentiles(late.map(({ received }) => received))}`,
  )
  receiver.close()
}

const deliveries = async (post: ReturnType<typeof client>): Promise<void> => {
  const receiver = await startReceiver()
  const wanted = HOOKS * CHANGES
  for (let n = 0; n < HOOKS; n++) {
    for (let k = 0; k < CHANGES; k += 100) {
      const operations = Array.from({ length: 100 }, () => ({ op: 'create', body: { title: 'a' } }))
      await post(`reader-${n}`, '/api/tasks/batch', { operations })
    }
  }
  const began = performance.now()
  for (let n = 0; n < HOOKS; n++) {
    const events = ['task.changed']
    const { id } = await post(`reader-${n}`, '/api/webhooks', {
      url: `${receiver.url}/${n}`,
      events,
    })
    await post(`reader-${n}`, `/api/webhooks/${id}/replay`, { since: 0 })
  }
  let count = 0
  while (count < wanted) {
    await receiver.news()
    count = [...receiver.deliveries.values()].reduce((sum, { length }) => sum + length, 0)
  }
  const seconds = (performance.now() - began) / 1000
  console.log(
    `  ${wanted} messages to ${HOOKS} webhooks: ${(wanted / seconds).toFixed(0)} per second`,
  )
  receiver.close()
}

console.log('SQLite')
const single = await startServer(temporaryFolder(), env)
await reminders(client(single.url))
await deliveries(client(single.url))
single.signal('SIGTERM')
await single.exited

console.log('PostgreSQL, two processes')
const url = await freshDatabase()
const processes = [1, 2].map(() => startServer(temporaryFolder(), { ...env, DATABASE_URL: url }))
const servers = await Promise.all(processes)
for (const server of servers) {
  while (!(await fetch(`${server.url}/health/ready`)).ok) await Bun.sleep(10)
}
const sql = postgres(url, { max: 1, onnotice: () => {} })
const transactions = async (): Promise<number> => {
  const [row] = await sql`
    select pg_stat_clear_snapshot(), xact_commit::float from pg_stat_database
    where datname = current_database()`
  return row?.['xact_commit']
}
// An idle connection tells what it has done up to 10 seconds late.
await Bun.sleep(12_000)
const before = await transactions()
await Bun.sleep(20_000)
console.log(
  `  idle: ${(((await transactions()) - before) / 20).toFixed(1)} queries per second of both together`,
)
await reminders(client(servers[0]?.url ?? ''))
await deliveries(client(servers[0]?.url ?? ''))
for (const server of servers) server.signal('SIGTERM')
for (const server of servers) await server.exited

await sql`insert into taskport.users (id, revision, task_count)
  select 'owner-' || n, 1000, 1000 from generate_series(1, 1000) n`
await sql`insert into taskport.tasks (user_id, id, revision, format, completed, timeline, title_key,
    due_key, remind_key, search_text, document)
  select 'owner-' || n % 1000 + 1, gen_random_uuid(), n / 1000 + 1, ${DOCUMENT_FORMAT}, false, '', 'a',
    '~', case when n % 3 = 0 then to_char(timestamp '2027-01-01' + n * interval '1 s',
      'YYYY-MM-DD"T"HH24:MI:SS".000Z"') end, 'a', '{}'
  from generate_series(0, 999999) n`
await sql`vacuum analyze taskport.tasks`
console.log('looking among 1 000 000 tasks, a third of them with a reminder')
const plan = await sql.unsafe(`explain (analyze, costs off) ${REMINDERS}`, ['200'])
console.log(plan.map((line) => line['QUERY PLAN']).join('\n'))
await sql.end()
process.exit(0)
