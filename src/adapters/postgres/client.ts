import postgres from 'postgres'
import { DomainError } from '../../domain/errors.ts'
import { semaphore } from './semaphore.ts'

export type Limits = Readonly<{
  /** Connections at most. */
  poolSize: number
  /** Milliseconds a query may take, and may wait for a connection, before it is given up. */
  queryDeadline: number
  connectionDeadline: number
}>

/**
 * Runs one statement, prepared once for each text. Throws `unavailable` when there is no response in time
 * or no server. Parameters are texts, which the statement casts itself (`$1::text::boolean`): then a
 * statement that has to be prepared again means the same as the first time.
 */
export type Query = <Row extends object>(
  text: string,
  parameters: readonly (string | null)[],
) => Promise<Row[]>

export type Client = Readonly<{
  query: Query
  /** How long a call may wait for its turn. */
  turn: Readonly<{ patience: number; tooBusy: () => Error }>
  close(): Promise<void>
}>

/** A statement waits unsent until a connection is free for it. The driver's types lack this one. */
const UNTYPED: object = { max_pipeline: 1 }

export const connect = (url: string, limits: Limits): Client => {
  const sql = postgres(url, {
    max: limits.poolSize,
    connect_timeout: Math.ceil(limits.connectionDeadline / 1000),
    ...UNTYPED,
    backoff: () => 0.1,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'taskport' },
    types: { revision: { to: 20, from: [20], serialize: String, parse: Number } },
  })
  // As many again stand by in the driver, which sends the next the moment that a connection is free.
  const turn = { patience: limits.connectionDeadline, tooBusy: () => unavailable('too busy') }
  const inTurn = semaphore(2 * limits.poolSize, turn.patience, turn.tooBusy)

  return {
    query: <Row extends object>(text: string, parameters: readonly (string | null)[]) =>
      inTurn(() => {
        const statement = sql.unsafe<Row[]>(text, parameters as string[], { prepare: true })
        return withDeadline(statement, limits.queryDeadline)
      }).catch((error): never => {
        throw isOutage(error) ? unavailable(error) : error
      }),
    turn,
    close: () => sql.end({ timeout: 1 }),
  }
}

/**
 * At the deadline the statement is given up, and with it its place: its connection may be one that
 * never answers again. One that was not sent yet never will be. One that was is left alone, since
 * a request to cancel it may arrive late and hit the next one.
 */
const withDeadline = <Row extends object>(
  statement: postgres.PendingQuery<Row[]>,
  milliseconds: number,
): Promise<Row[]> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(unavailable('deadline exceeded'))
      const { state } = statement as unknown as { state: object | null }
      if (state === null) statement.cancel()
    }, milliseconds)
    statement.then(
      (rows) => {
        clearTimeout(timer)
        resolve(withoutHoles(rows))
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })

/**
 * After a statement that failed when some of its rows had been sent, the driver stores the rows of the
 * next one behind as many holes.
 */
const withoutHoles = <Row extends object>(rows: Row[]): Row[] =>
  rows.length === 0 || 0 in rows ? rows : rows.filter(() => true)

const unavailable = (cause: unknown): DomainError =>
  cause instanceof DomainError
    ? cause
    : new DomainError('unavailable', 'The storage cannot be reached right now. Try again.', {
        cause,
      })

/**
 * SQLSTATE classes of a server that cannot serve for now: connection (08), resources (53), limits
 * and cancellation (57), deadlock and serialisation (40), lock timeout (55P03), read-only standby (25006).
 */
const OUTAGE_STATE = /^(08|53|57|40|55P03|25006)/

const OUTAGE_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'FailedToOpenSocket',
])

export const isOutage = (error: unknown): boolean => {
  if (error instanceof DomainError) return error.kind === 'unavailable'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return (
    OUTAGE_CODES.has(code) || (error instanceof postgres.PostgresError && OUTAGE_STATE.test(code))
  )
}
