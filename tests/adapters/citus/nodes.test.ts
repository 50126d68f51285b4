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
  type Node,
  portOf,
} from '../../support/citus.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { freeze } from '../../support/freeze.ts'
import { administer, type PostgresServer } from '../../support/postgres.ts'
import { silentProxy } from '../../support/proxy.ts'
import { enter, type RunningProcess, SHARED, startServer } from '../../support/server.ts'
import { eventually } from '../../support/wait.ts'
import { startWriters, type Writer } from '../../support/writers.ts'

setDefaultTimeout(120_000)

/** More than twice the connections of a server, so that those of one node could take them all. */
const OWNERS = Array.from({ length: 40 }, (_, n) => `owner-${n}`)
const RECOVERY = 10_000

type Loss = (worker: PostgresServer, database: string) => Promise<() => unknown>

/** Take a node away from a database, and return what brings it back. */
const LOSSES: Record<string, Loss> = {
  killed: async (worker) => {
    await worker.stop('crash')
    return worker.start
  },
  frozen: async (worker) => freeze(worker),
  'cut off': async (worker, database) => {
    const proxy = silentProxy(worker.url)
    await moveNode(database, worker, proxy)
    proxy.swallow()
    return proxy.passAgain
  },
}

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
    taskport = await startTaskport(database)
    load = await startWriters(taskport.url, OWNERS)
    await progress(load.writers)
  })
  afterEach(async () => {
    await load.stop()
    taskport.signal('SIGTERM')
    await taskport.exited
  })

  test.each(Object.entries(LOSSES))(
    'the users of one that is %s get 503, all others are served, and nothing is lost',
    async (_, lose) => {
      const [worker] = cluster.workers as [PostgresServer]
      const lost = await ownersOn(database, portOf(worker))
      const [affected, others] = [true, false].map((away) =>
        load.writers.filter(({ owner }) => lost.has(owner) === away),
      ) as [Writer[], Writer[]]
      expect(Math.min(affected.length, others.length)).toBeGreaterThan(1)
      for (const { refused } of load.writers) refused.splice(0)

      const bringBack = await lose(worker, database)
      const refusedOften = () => affected.every(({ refused }) => refused.length > 5)
      await eventually(refusedOften, 'The users of the lost node are not refused.', 30_000)
      await progress(others)
      const another = await startTaskport(database)
      const later = await startWriters(
        another.url,
        others.slice(0, 1).map(({ owner }) => owner),
      )
      await progress(later.writers)
      await later.stop()
      await bringBack()
      await progress(affected, RECOVERY)
      await load.stop()
      another.signal('SIGTERM')
      await another.exited

      expect(others.flatMap(({ refused }) => refused)).toEqual([])
      const outcomes = affected.flatMap(({ refused }) => refused)
      expect(outcomes.filter(({ status, retryAfter }) => status !== 503 || !retryAfter)).toEqual([])
      await expectAllKept(load.writers)
    },
  )

  test('while one is away a server starts and signs its users in', async () => {
    const env = {
      DATABASE_URL: database,
      DATABASE_SHARDING: 'citus',
      AUTH_SECRET: 'a secret of at least thirty-two bytes',
    }
    const enterOnce = async (way: 'sign-up' | 'sign-in'): Promise<void> => {
      const server = await startServer(temporaryFolder(), env)
      const ready = async () => (await fetch(`${server.url}/health/ready`)).ok
      await eventually(ready, () => JSON.stringify(server.lines.at(-1)), 30_000)
      expect(await enter(server.url, way, 'ada@example.com')).toMatchObject({
        token: expect.stringMatching(/./),
      })
      server.signal('SIGTERM')
      await server.exited
    }
    const [worker] = cluster.workers as [PostgresServer]
    await load.stop()
    await enterOnce('sign-up')
    await worker.stop('crash')
    await enterOnce('sign-in')
    await worker.start()
  })

  test('one that is replaced by its standby has lost nothing', async () => {
    const [, worker] = cluster.workers as [PostgresServer, PostgresServer]
    await worker.stop('fast')
    const standby = await citusServer({}, { primary: worker })
    await worker.start()
    await waitForStandbys(worker, '*')
    const moved = await ownersOn(database, portOf(worker))
    await progress(load.writers)
    await worker.stop('crash')
    await administer(standby.url, (sql) => sql`select pg_promote()`)
    await moveNode(database, worker, standby)
    for (const { refused } of load.writers) refused.splice(0)
    await progress(
      load.writers.filter(({ owner }) => moved.has(owner)),
      RECOVERY,
    )
    await load.stop()
    await expectAllKept(load.writers)
    taskport.signal('SIGTERM')
    await taskport.exited
    await standby.close()
    await worker.start()
    await waitForStandbys(worker, '')
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

const startTaskport = (database: string): Promise<RunningProcess> =>
  startServer(temporaryFolder(), {
    ...SHARED,
    DATABASE_URL: database,
    DATABASE_SHARDING: 'citus',
    BUDGET_FACTOR: '0',
  })

/** Makes each commit wait for the standbys of these names. */
const waitForStandbys = (server: PostgresServer, names: string): Promise<void> =>
  administer(server.url, async (sql) => {
    await sql.unsafe(`alter system set synchronous_standby_names = '${names}'`)
    await sql`select pg_reload_conf()`
  })

/** Gives a node another address. */
const moveNode = (database: string, node: Node, to: Node): Promise<void> =>
  administer(
    database,
    (sql) => sql`
      select citus_update_node(nodeid, '127.0.0.1', ${portOf(to)}::integer) from pg_dist_node
      where nodeport = ${portOf(node)}::integer`,
  )

/** Waits until each writer has had more tasks acknowledged. */
const progress = async (writers: readonly Writer[], milliseconds = 60_000): Promise<void> => {
  const goals = writers.map(({ acknowledged }) => acknowledged.size + 5)
  const reached = () => writers.every((each, n) => each.acknowledged.size >= (goals[n] ?? 0))
  const state = () => writers.map(({ refused }) => JSON.stringify(refused.at(-1))).join(' ')
  await eventually(reached, () => `The writers make no progress: ${state()}`, milliseconds)
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
