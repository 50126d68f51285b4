import { Database } from 'bun:sqlite'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { scenarios, type User } from './scenarios.ts'
import { type MeasuredServer, SHIPPED, startMeasured } from './servers.ts'
import { CONNECTIONS, type LoadResult, load } from './wrk.ts'

/** See README.md in this folder. */
const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'postgres,sqlite' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    mixed: { type: 'string', default: '500000' },
  },
})
const ROUNDS = Number(options.rounds)
const SECONDS = Number(options.seconds)
const USERS = 1000
const TASKS = 100

const folder = temporaryFolder()
const sign = sharedSecretSigner({ secret: SHARED.BETTER_AUTH_SECRET })

const seed = async (url: string): Promise<User[]> => {
  const users: User[] = []
  while (!(await fetch(`${url}/health/ready`)).ok) await Bun.sleep(10)
  for (let n = 0; n < USERS; n++) {
    const name = `user-${n}`
    const token = await sign(name, 86_400)
    const operations = Array.from({ length: TASKS }, (_, k) => ({
      op: 'create',
      body: {
        title: `Task ${k} of ${name}`,
        description: k % 2 === 0 ? 'Something to be done before long, and well' : null,
        priority: k % 4 === 3 ? 'low' : 'high',
        due_date: `2026-${String((k % 12) + 1).padStart(2, '0')}-15`,
      },
    }))
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}/api/tasks/batch`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ operations }),
    })
    if (!response.ok) throw new Error(`Seeding failed: ${await response.text()}`)
    const { changes } = (await response.json()) as { changes: { task: { id: string } }[] }
    const list = await fetch(`${url}/api/tasks?limit=50`, { headers })
    const etag = list.headers.get('etag') ?? ''
    users.push({ name, token, etag, ids: changes.map(({ task }) => task.id) })
  }
  return users
}

type Pair = Readonly<{
  users: User[]
  taskport: MeasuredServer
  baseline: MeasuredServer
  /** How many changes Taskport's database has seen, and how many tasks the baseline's has. */
  counts(): Promise<[changes: number, tasks: number]>
  close(): Promise<void>
}>

const openPostgres = async (): Promise<Pair> => {
  const server = await privateServer({ fsync: 'on', full_page_writes: 'on' })
  const of = (name: string): string => new URL(`/${name}`, server.url).href
  const admin = postgres(server.url, { max: 1 })
  await admin`create database taskport`
  const env = { ...SHIPPED, ...SHARED, DATABASE_URL: of('taskport') }
  const seeding = await startMeasured(['../src/main.ts'], folder, env)
  const users = await seed(seeding.url)
  await seeding.stop()
  await admin`create database baseline template taskport`
  const [own, other] = ['taskport', 'baseline'].map((name) => postgres(of(name), { max: 1 }))
  if (!own || !other) throw new Error()
  for (const sql of [own, other]) await sql`vacuum analyze`
  return {
    users,
    taskport: await startMeasured(['../src/main.ts'], folder, env),
    baseline: await startMeasured(['baseline.ts', of('baseline')], folder, {}),
    counts: async () => [
      Number((await own`select sum(revision) as n from taskport.users`)[0]?.['n']),
      Number((await other`select count(*) as n from taskport.tasks`)[0]?.['n']),
    ],
    close: async () => {
      await Promise.all([admin.end(), own.end(), other.end()])
      await server.close()
    },
  }
}

const openSqlite = async (): Promise<Pair> => {
  const [own, other] = ['taskport.db', 'baseline.db'].map((name) => join(folder, name))
  if (!own || !other) throw new Error()
  const env = { ...SHIPPED, ...SHARED, DATABASE_URL: `sqlite:${own}` }
  const seeding = await startMeasured(['../src/main.ts'], folder, env)
  const users = await seed(seeding.url)
  await seeding.stop()
  cpSync(own, other)
  const count = (path: string, query: string): number => {
    const db = new Database(path, { readonly: true })
    const row = db.query<{ n: number }, []>(query).get()
    db.close()
    return row?.n ?? 0
  }
  return {
    users,
    taskport: await startMeasured(['../src/main.ts'], folder, env),
    baseline: await startMeasured(['baseline.ts', other], folder, {}),
    counts: async () => [
      count(own, 'select sum(revision) as n from users'),
      count(other, 'select count(*) as n from tasks'),
    ],
    close: async () => {},
  }
}

type Measured = LoadResult & { cpu: number }

const measure = async (
  server: MeasuredServer,
  requests: Parameters<typeof load>[1],
  seconds: number,
): Promise<Measured> => {
  const before = server.cpu()
  const result = await load(server.url, requests, seconds, folder)
  return { ...result, cpu: (server.cpu() - before) / result.answers }
}

const median = (all: number[]): number =>
  all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN

const between = (name: string, seen: number, acknowledged: number, loads: number): void => {
  if (seen >= acknowledged && seen <= acknowledged + loads * CONNECTIONS) return
  throw new Error(`${name}: ${acknowledged} changes were acknowledged, ${seen} are there`)
}

const run = async (storage: string, pair: Pair): Promise<void> => {
  console.log(`\n### ${storage}\n`)
  console.log(
    '| scenario | Taskport req/s | baseline req/s | ratio, median (rounds) | p50 / p99 ms | baseline | CPU µs | baseline |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  for (const scenario of scenarios(pair.users)) {
    if (options.only && !options.only.split(',').includes(scenario.name)) continue
    const before = await pair.counts()
    const own: Measured[] = []
    const other: Measured[] = []
    await load(pair.taskport.url, scenario.taskport, 1, folder).then(({ written }) => {
      before[0] += written
    })
    if (scenario.baseline) {
      const { written } = await load(pair.baseline.url, scenario.baseline, 1, folder)
      before[1] += scenario.creates ? written : 0
    }
    for (let round = 0; round < ROUNDS; round++) {
      own.push(await measure(pair.taskport, scenario.taskport, SECONDS))
      if (scenario.baseline) other.push(await measure(pair.baseline, scenario.baseline, SECONDS))
    }
    const after = await pair.counts()
    const acknowledged = (all: Measured[]): number =>
      all.reduce((sum, { written }) => sum + written, 0)
    between(`${scenario.name} of Taskport`, after[0] - before[0], acknowledged(own), ROUNDS + 1)
    if (scenario.creates) {
      between(
        `${scenario.name} of the baseline`,
        after[1] - before[1],
        acknowledged(other),
        ROUNDS + 1,
      )
    }
    const ratios = own.map(({ perSecond }, n) => perSecond / (other[n]?.perSecond ?? Number.NaN))
    const of = (all: Measured[], name: keyof Measured): number =>
      median(all.map((one) => one[name]))
    const columns = [
      scenario.name,
      of(own, 'perSecond').toFixed(0),
      other.length > 0 ? of(other, 'perSecond').toFixed(0) : '',
      other.length > 0
        ? `**${median(ratios).toFixed(2)}** (${ratios.map((ratio) => ratio.toFixed(2)).join(' ')})`
        : '',
      `${of(own, 'p50').toFixed(2)} / ${of(own, 'p99').toFixed(2)}`,
      other.length > 0 ? `${of(other, 'p50').toFixed(2)} / ${of(other, 'p99').toFixed(2)}` : '',
      of(own, 'cpu').toFixed(0),
      other.length > 0 ? of(other, 'cpu').toFixed(0) : '',
    ]
    console.log(`| ${columns.join(' | ')} |`)
  }
  const { taskport, baseline } = pair
  console.log(
    `\nMemory after this: ${taskport.memory().toFixed(0)} MB, baseline ${baseline.memory().toFixed(0)} MB. ` +
      `Start to the first answer: ${taskport.started.toFixed(0)} ms, baseline ${baseline.started.toFixed(0)} ms.`,
  )
}

/** Memory over many mixed requests, after as long a warm-up. */
const endure = async ({ users, taskport }: Pair): Promise<void> => {
  const mixed = scenarios(users).find(({ name }) => name === 'mixed')?.taskport ?? []
  const wanted = Number(options.mixed)
  const through = async (count: number): Promise<number> => {
    let done = 0
    let most = 0
    while (done < count) {
      done += (await load(taskport.url, mixed, 5, folder)).answers
      most = Math.max(most, taskport.memory())
    }
    return most
  }
  const before = await through(wanted / 5)
  const after = await through(wanted)
  console.log(
    `Memory at most: ${before.toFixed(0)} MB in the first ${wanted / 5} mixed requests, ` +
      `${after.toFixed(0)} MB in ${wanted} more (${(after / before).toFixed(2)} times).`,
  )
}

for (const [storage, open] of [
  ['postgres', openPostgres],
  ['sqlite', openSqlite],
] as const) {
  if (!options.storage.split(',').includes(storage)) continue
  const pair = await open()
  await run(storage, pair)
  if (Number(options.mixed) > 0) await endure(pair)
  await Promise.all([pair.taskport.stop(), pair.baseline.stop()])
  await pair.close()
}
process.exit(0)
