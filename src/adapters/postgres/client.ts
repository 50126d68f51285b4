import postgres from 'postgres'
import { DomainError } from '../../domain/errors.ts'
import { semaphore } from './semaphore.ts'

export type Limits = Readonly<{
  poolSize: number
  /** Milliseconds that a query may take, and may wait for a connection. */
  queryDeadline: number
  connectionDeadline: number
}>

/**
 * Prepared once for each text. Throws `unavailable` during an outage. Parameters are texts, which
 * the statement casts (`$1::text::boolean`): then it means the same when it is prepared again.
 */
export type Query = <Row extends object>(
  text: string,
  parameters: readonly (string | null)[],
) => Promise<Row[]>

export type Client = Readonly<{
  query: Query
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
  // As many again stand by in the driver, which sends the next as soon as a connection is free.
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
 * The place is given up too, since the connection may never respond. A statement that was sent is
 * not cancelled, because that request may arrive late and hit the next one.
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

/** After a statement that failed midway, the driver puts holes before the rows of the next one. */
const withoutHoles = <Row extends object>(rows: Row[]): Row[] =>
  rows.length === 0 || 0 in rows ? rows : rows.filter(() => true)

const unavailable = (cause: unknown): DomainError =>
  cause instanceof DomainError
    ? cause
    : new DomainError('unavailable', 'The storage cannot be reached right now. Try again.', {
        cause,
      })

/** Connection, resources, operator intervention, rollback, lock timeout, read-only standby. */
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
