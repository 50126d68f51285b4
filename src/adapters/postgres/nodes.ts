import { LRUCache } from 'lru-cache'
import postgres from 'postgres'
import type { UserId } from '../../domain/task.ts'
import { type Client, type Query, unavailable } from './client.ts'
import { driverOptions } from './driver.ts'
import { isOutage } from './outage.ts'
import { semaphore } from './semaphore.ts'

export type NodeOptions = Readonly<{
  poolSize: number
  /** Called when a node turns out not to respond, and when it responds again. */
  onWarning: (message: string) => void
}>

/** Users whose nodes are remembered, and milliseconds for which they are. */
const REMEMBERED = { max: 20_000, ttl: 600_000 }

/** Milliseconds that a node has to accept a connection, all nodes have together, and between checks. */
const CONNECT_MS = 2000
const CHECK_MS = 30_000
const PAUSE_MS = 1000

const NODE_OF = `
  select groupid as node from pg_dist_placement
  where shardid = get_shard_id_for_distribution_column('taskport.users', $1::text)`

/**
 * The statements of a cluster. Those to one node take at most half of the connections, so that a
 * node that does not respond leaves the rest to the users of others. While it does not, statements
 * to it, and those to all nodes, throw `unavailable` at once.
 */
export const perNode = (
  url: string,
  { query, turn }: Pick<Client, 'query' | 'turn'>,
  { poolSize, onWarning }: NodeOptions,
): Readonly<{ query: Query; close(): void }> => {
  const share = (part: number) =>
    semaphore(Math.max(1, Math.floor(poolSize / part)), turn.patience, turn.tooBusy)
  const shares = new Map<number | 'all', ReturnType<typeof share>>([['all', share(5)]])
  const nodes = new LRUCache<UserId, Promise<number>>(REMEMBERED)
  const silent = new Set<number>()
  let checking = false
  let closed = false
  let timer: Timer | undefined

  const shareOf = (node: number | 'all') => {
    const found = shares.get(node) ?? share(2)
    shares.set(node, found)
    return found
  }

  const nodeOf = (owner: UserId): Promise<number> => {
    const known = nodes.get(owner)
    if (known) return known
    const found = query<{ node: number }>(NODE_OF, [owner]).then(([row]) => row?.node ?? 0)
    nodes.set(owner, found)
    found.catch(() => nodes.delete(owner))
    return found
  }

  const throwIfSilent = (node: number | 'all'): void => {
    if (node === 'all' ? silent.size > 0 : silent.has(node)) throw unavailable('node away')
  }

  const check = async (): Promise<void> => {
    if (checking || closed) return
    checking = true
    const states = await statesOfNodes(url).catch(() => [])
    const listed = new Set(states.map(({ node }) => node))
    for (const node of silent) if (states.length > 0 && !listed.has(node)) silent.delete(node)
    for (const { node, address, responds } of states) {
      if (responds !== silent.has(node)) continue
      if (responds) silent.delete(node)
      else silent.add(node)
      const outcome = responds ? 'responds again' : 'does not respond: its users get 503'
      onWarning(`The node ${address} of the database ${outcome}.`)
    }
    if (!closed) timer = setTimeout(checkAgain, PAUSE_MS)
  }

  const checkAgain = (): void => {
    checking = false
    if (silent.size > 0) void check()
  }

  return {
    query: async <Row extends object>(
      text: string,
      parameters: readonly (string | null)[],
      reach = 'one',
    ) => {
      if (reach === 'coordinator') return query<Row>(text, parameters)
      const node = reach === 'all' ? 'all' : await nodeOf(parameters[0] ?? '')
      throwIfSilent(node)
      return shareOf(node)
        .run(async () => {
          throwIfSilent(node)
          return query<Row>(text, parameters)
        })
        .catch((error) => {
          if (isOutage(error)) {
            nodes.delete(parameters[0] ?? '')
            void check()
          }
          throw error
        })
    },
    close: () => {
      closed = true
      clearTimeout(timer)
    },
  }
}

/** Over a connection of its own: one that has met a silent node can hang with it. */
const statesOfNodes = async (url: string) => {
  const options = driverOptions(url)
  const sql = postgres({
    connect_timeout: 5,
    ...options,
    connection: { ...options.connection, 'citus.node_connection_timeout': CONNECT_MS },
    max: 1,
    prepare: false,
  })
  const timer = setTimeout(() => void sql.end({ timeout: 0 }), CHECK_MS)
  try {
    return await sql<{ node: number; address: string; responds: boolean }[]>`
      select groupid as node, nodename || ':' || nodeport as address,
        citus_check_connection_to_node(nodename, nodeport) as responds
      from pg_dist_node where noderole = 'primary' and isactive`
  } finally {
    clearTimeout(timer)
    await sql.end({ timeout: 1 })
  }
}
