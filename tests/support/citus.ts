import { describe } from 'bun:test'
import { CITUS_URL, citusBinaries } from './citus-binaries.ts'
import { administer, type PostgresServer, privateServer, type ServerFiles } from './postgres.ts'

/** Defines the tests where Citus is installed, else says that they are left out. */
export const describeOnCitus = (name: string, tests: () => void): void => {
  if (citusBinaries) describe(name, tests)
  else console.warn(`Left out: ${name}. Citus is not installed.`)
}

/** The same where `TEST_CITUS_URL` is set, to a coordinator that goes on after the tests. */
export const describeOnAnyCitus = CITUS_URL ? describe : describeOnCitus

type Settings = Record<string, string | number>

/** A server with Citus that belongs to no cluster yet. */
export const citusServer = (own: Settings = {}, files: ServerFiles = {}): Promise<PostgresServer> =>
  privateServer(
    {
      shared_preload_libraries: 'citus',
      wal_level: 'logical',
      shared_buffers: '32MB',
      max_worker_processes: 64,
      'citus.shard_count': 4,
      'citus.log_remote_commands': 'on',
      'citus.background_task_queue_interval': '100ms',
      wal_retrieve_retry_interval: '100ms',
      ...own,
    },
    { ...files, ...(citusBinaries && { binaries: citusBinaries }) },
  )

export type Node = Readonly<{ url: string }>
type Nodes = Readonly<{ coordinator: Node; workers: readonly Node[] }>

export type CitusCluster = Readonly<{
  coordinator: PostgresServer
  workers: readonly PostgresServer[]
  close(): Promise<void>
}>

/** A coordinator and two workers. */
export const citusCluster = async (own: Settings = {}): Promise<CitusCluster> => {
  const [coordinator, ...workers] = await Promise.all([
    citusServer(own),
    citusServer(own),
    citusServer(own),
  ])
  return {
    coordinator,
    workers,
    close: async () => {
      await Promise.all([coordinator, ...workers].map((server) => server.close()))
    },
  }
}

/** A new database on every node, with Citus; its URL on the coordinator. */
export const citusDatabase = async ({ coordinator, workers }: Nodes): Promise<string> => {
  const name = `taskport_test_${Bun.randomUUIDv7().replaceAll('-', '')}`
  const [main] = await Promise.all([
    createWithCitus(coordinator, name),
    ...workers.map((worker) => createWithCitus(worker, name)),
  ])
  const { hostname, port } = new URL(main)
  await administer(
    main,
    (sql) => sql`select citus_set_coordinator_host(${hostname}::text, ${port}::text::integer)`,
  )
  for (const worker of workers) await addToCluster(main, worker)
  return main
}

const createWithCitus = async ({ url }: Node, name: string): Promise<string> => {
  await administer(url, (sql) => sql.unsafe(`create database ${name}`))
  const database = new URL(`/${name}`, url).href
  await administer(database, (sql) => sql`create extension citus`)
  return database
}

/** Adds another node to the cluster of a database. */
export const addNode = async (url: string, node: Node): Promise<void> => {
  await createWithCitus(node, new URL(url).pathname.slice(1))
  await addToCluster(url, node)
}

const addToCluster = (url: string, node: Node): Promise<void> => {
  const { hostname, port } = new URL(node.url)
  return administer(
    url,
    (sql) => sql`select citus_add_node(${hostname}::text, ${port}::text::integer)`,
  )
}

export const portOf = ({ url }: Node): number => Number(new URL(url).port)

let shared: Promise<Nodes> | undefined
const databases: string[] = []

/** A new, empty database of its own, on one cluster for the whole test run. */
export const freshCitusDatabase = async (): Promise<string> => {
  shared ??= CITUS_URL ? nodesOf(CITUS_URL) : citusCluster()
  const url = await citusDatabase(await shared)
  databases.push(new URL(url).pathname.slice(1))
  return url
}

const nodesOf = async (url: string): Promise<Nodes> => {
  const workers: Node[] = []
  await administer(url, async (sql) => {
    for (const { nodename, nodeport } of await sql`
      select nodename, nodeport from pg_dist_node where groupid > 0 and noderole = 'primary'`) {
      const worker = new URL(url)
      worker.hostname = nodename
      worker.port = String(nodeport)
      workers.push({ url: worker.href })
    }
  })
  return { coordinator: { url }, workers }
}

/** For a cluster that goes on after the tests. */
export const dropCitusDatabases = async (): Promise<void> => {
  if (!CITUS_URL || !shared) return
  const { coordinator, workers } = await shared
  for (const name of databases.splice(0)) {
    for (const { url } of [coordinator, ...workers]) {
      await administer(url, (sql) => sql.unsafe(`drop database ${name} with (force)`))
    }
  }
}
