import pg, { type ClientBase, type PoolClient, type QueryConfig, type QueryResult } from 'pg'

/**
 * A statement that is not done in time ends its connection. Then the idle ones are suspect, and so are
 * all when a server refuses to write, because another has become the primary.
 */
export const deadlines = (milliseconds: number | undefined) => {
  let suspicions = 0
  const trusted = new WeakMap<object, number>()

  const run = (client: ClientBase, statement: QueryConfig): Promise<QueryResult> =>
    new Promise((resolve, reject) => {
      const onLate = (): void => {
        suspicions++
        destroy(client)
        reject(new Error('deadline exceeded'))
      }
      const timer = milliseconds === undefined ? undefined : setTimeout(onLate, milliseconds)
      // The driver's promises cost more than this one.
      client.query(statement, (error: Error | null, result: QueryResult) => {
        clearTimeout(timer)
        if (error) {
          if (isReadOnly(error)) suspicions++
          reject(error)
          return
        }
        if (suspicions > 0) trusted.set(client, suspicions)
        resolve(result)
      })
    })

  return {
    run,
    trust: (client: object): void => void trusted.set(client, suspicions),
    suspects: (client: object): boolean => (trusted.get(client) ?? 0) !== suspicions,
    /** Also returns it to its pool. */
    discard: (client: PoolClient): void => {
      destroy(client)
      client.release(true)
    },
  }
}

/** Whether the connection is of no more use. */
export const isLost = (error: unknown): boolean =>
  !(error instanceof pg.DatabaseError) || error.severity === 'FATAL'

const isReadOnly = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '25006'

/** At once: a peer that is silent would never confirm the end of the connection. */
const destroy = (client: object): void => {
  const { connection } = client as { connection: pg.Connection }
  connection.stream.destroy()
}
