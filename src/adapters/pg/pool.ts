import pg from 'pg'
import { BoundClient } from './bound-client.ts'
import { deadlines, isLost } from './deadlines.ts'
import { rotation } from './rotation.ts'
import { parseDatabaseUrl } from './url.ts'

export type PoolOptions = Readonly<{
  /** Shown by the server, unless the URL says otherwise. */
  name: string
  size: number
  /** Milliseconds for a statement; without a pooler the server cancels it a little earlier. */
  statementDeadline?: number
  /** Milliseconds to wait for a connection, unless the URL says otherwise. */
  connectionDeadline: number
}>

export type Connection = Readonly<{
  /** A named statement is prepared once for each connection. */
  query(text: string, parameters?: readonly unknown[], name?: string): Promise<pg.QueryResult>
  release(): void
}>

/** Connections that fail or fall silent are replaced. */
export type Pool = Readonly<{
  connect(): Promise<Connection>
  query: Connection['query']
  end(): Promise<void>
}>

const IDLE_MS = 300_000
const LIFETIME_SECONDS = 3600

const ONLY_WRITABLE = `
  do $$ begin
    if current_setting('transaction_read_only') = 'on' then
      raise sqlstate '25006' using message = 'This server is read-only.';
    end if;
  end $$`

/** Throws like `parseDatabaseUrl`. */
export const openPool = (url: string, options: PoolOptions): Pool => {
  const { addresses, connectTimeout, channelBinding, writable, ...login } = parseDatabaseUrl(url)
  const guard = deadlines(options.statementDeadline)

  const clients = new pg.Pool({
    application_name: options.name,
    ...login,
    ...addresses[0],
    max: options.size,
    connectionTimeoutMillis: connectTimeout ?? options.connectionDeadline,
    idleTimeoutMillis: IDLE_MS,
    maxLifetimeSeconds: LIFETIME_SECONDS,
    keepAlive: true,
    types,
    ...(channelBinding && { Client: BoundClient, enableChannelBinding: true }),
    onConnect: async (client) => {
      client.on('error', () => {})
      if (client instanceof BoundClient) client.confirm()
      const setUp = [timeout(client, options), writable && ONLY_WRITABLE].filter(Boolean)
      if (setUp.length > 0) await guard.run(client, { text: setUp.join(';') })
      guard.trust(client)
    },
  })
  clients.on('error', () => {})
  const connectSomewhere = rotation(clients, addresses)

  const connect = async (): Promise<Connection> => {
    let client = await connectSomewhere()
    while (guard.suspects(client)) {
      guard.discard(client)
      client = await connectSomewhere()
    }
    let lost = false
    return {
      query: async (text, parameters = [], name) => {
        try {
          return await guard.run(client, { text, values: parameters as unknown[], name })
        } catch (error) {
          lost ||= isLost(error)
          throw error
        }
      },
      release: () => (lost ? guard.discard(client) : client.release()),
    }
  }

  const query: Connection['query'] = async (text, parameters, name) => {
    const connection = await connect()
    try {
      return await connection.query(text, parameters, name)
    } catch (error) {
      // A script that begins a transaction and fails would leave it to the next statement.
      await connection.query('rollback').catch(() => {})
      throw error
    } finally {
      connection.release()
    }
  }
  return { connect, query, end: () => clients.end() }
}

/**
 * Only in a session of its own: one that a pooler shares, which has another process id, would keep the
 * setting for others. A statement, because poolers refuse most start-up parameters.
 */
const timeout = (client: object, { statementDeadline }: PoolOptions): string | undefined =>
  statementDeadline === undefined
    ? undefined
    : `select set_config('statement_timeout', '${Math.ceil(0.9 * statementDeadline)}ms', false)
       where pg_backend_pid() = ${(client as { processID: number | null }).processID}`

const INT8 = 20

/** Revisions and counts are within the safe integers. */
const types = new pg.TypeOverrides()
types.setTypeParser(INT8, Number)
