import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  setDefaultTimeout,
  test,
} from 'bun:test'
import {
  addNode,
  type CitusCluster,
  citusCluster,
  citusDatabase,
  citusServer,
  describeOnCitus,
  portOf,
} from '../../support/citus.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { administer } from '../../support/postgres.ts'
import { type RunningProcess, SHARED, startServer } from '../../support/server.ts'
import { eventually } from '../../support/wait.ts'
import { startWriters, type Writer } from '../../support/writers.ts'

setDefaultTimeout(120_000)

const OWNERS = Array.from({ length: 12 }, (_, n) => `owner-${n}`)

describeOnCitus('nodes of a cluster', () => {
  let cluster: CitusCluster
  let database: string
  let taskport: RunningProcess
  let load: Awaited<ReturnType<typeof startWriters>>

  beforeAll(async () => {
    cluster = await citusCluster()
  })
  afterAll(() => cluster?.close())

  beforeEach(async () => {
    database = await citusDatabase(cluster)
    taskport = await startServer(temporaryFolder(), {
      ...SHARED,
      DATABASE_URL: database,
      DATABASE_SHARDING: 'citus',
      BUDGET_FACTOR: '0',
    })
    load = await startWriters(taskport.url, OWNERS)
    await progress(load.writers)
  })
  afterEach(async () => {
    await load.stop()
    taskport.signal('SIGTERM')
    await taskport.exited
  })

  test('the users of a killed one get 503, all others are served, and nothing is lost', async () => {
    const [worker] = cluster.workers
    if (!worker) throw new Error('There is no worker.')
    const lost = await ownersOn(database, portOf(worker))
    const [affected, others] = [true, false].map((away) =>
      load.writers.filter(({ owner }) => lost.has(owner) === away),
    ) as [Writer[], Writer[]]
    expect(Math.min(affected.length, others.length)).toBeGreaterThan(1)
    for (const { refused } of load.writers) refused.splice(0)

    await worker.stop('crash')
    const refusedOften = () => affected.every(({ refused }) => refused.length > 5)
    await eventually(refusedOften, 'The users of the killed node are not refused.', 30_000)
    await progress(others)
    await worker.start()
    await progress(affected)
    await load.stop()

    expect(others.flatMap(({ refused }) => refused)).toEqual([])
    const outcomes = affected.flatMap(({ refused }) => refused)
    expect(outcomes.filter(({ status, retryAfter }) => status !== 503 || !retryAfter)).toEqual([])
    await expectAllKept(load.writers)
  })

  test('shards that move to a new one lose nothing', async () => {
    const spare = await citusServer()
    await addNode(database, spare)
    await administer(database, async (sql) => {
      await sql`select citus_rebalance_start()`
      await sql`select citus_rebalance_wait()`
    })
    const moved = await ownersOn(database, portOf(spare))
    expect(moved.size).toBeGreaterThan(0)
    await progress(load.writers)
    await load.stop()
    const outcomes = load.writers.flatMap(({ refused }) => refused)
    expect(outcomes.filter(({ status }) => status !== 503)).toEqual([])
    await expectAllKept(load.writers)
    await administer(database, async (sql) => {
      const users = await sql<{ id: string; timelines: number }[]>`
        select id, json_array_length(timelines::json) as timelines from taskport.users`
      const begun = users.filter(({ timelines }) => timelines > 1).map(({ id }) => id)
      expect(begun.sort()).toEqual([...moved].sort())
    })
    taskport.signal('SIGTERM')
    await taskport.exited
    await spare.close()
  })
})

/** Waits until each writer has had more tasks acknowledged. */
const progress = async (writers: readonly Writer[]): Promise<void> => {
  const goals = writers.map(({ acknowledged }) => acknowledged.size + 5)
  const reached = () => writers.every((each, n) => each.acknowledged.size >= (goals[n] ?? 0))
  const state = () => writers.map(({ refused }) => JSON.stringify(refused.at(-1))).join(' ')
  await eventually(reached, () => `The writers make no progress: ${state()}`, 60_000)
}

const ownersOn = async (database: string, port: number): Promise<Set<string>> => {
  let owners: string[] = []
  await administer(database, async (sql) => {
    const rows = await sql<{ owner: string }[]>`
      select owner from json_array_elements_text(${JSON.stringify(OWNERS)}::text::json) as owner
      join citus_shards as s on s.shardid =
        get_shard_id_for_distribution_column('taskport.users'::regclass, owner)
      where s.nodeport = ${port}::integer`
    owners = rows.map(({ owner }) => owner)
  })
  return new Set(owners)
}

const expectAllKept = async (writers: readonly Writer[]): Promise<void> => {
  for (const { acknowledged, stored } of writers) {
    const ids = await stored()
    expect([...acknowledged.keys()].filter((id) => !ids.has(id))).toEqual([])
    expect(new Set(acknowledged.values()).size).toBe(acknowledged.size)
  }
}
