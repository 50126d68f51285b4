import postgres from 'postgres'
import { DomainError } from '../../domain/errors.ts'
import { gate } from './gate.ts'

export type Limits = Readonly<{
  /** Connections at most. */
  poolSize: number
  /** Milliseconds a query may take, and may wait for a connection, before it is given up. */
  queryDeadline: number
  connectionDeadline: number
}>

export type Client = Readonly<{
  sql: postgres.Sql
  /** Runs one statement. Throws `unavailable` when there is no answer in time or no server. */
  run<Row extends object>(statement: postgres.PendingQuery<Row[]>): Promise<Row[]>
  close(): Promise<void>
}>

/** A statement waits unsent until a connection is free for it. The driver's types lack this one. */
const UNTYPED: object = { max_pipeline: 1 }

/**
 * Every parameter is a text that the statement casts itself (`$1::text::boolean`): then a prepared
 * statement that has to be prepared again means the same as the first time.
 */
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
  const inTurn = gate(2 * limits.poolSize, limits.connectionDeadline, () => unavailable('too busy'))

  return {
    sql,
    run: (statement) =>
      inTurn(() => withDeadline(statement, limits.queryDeadline)).catch((error) => {
        throw isOutage(error) ? unavailable(error) : error
      }),
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
        resolve(rows)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })

const unavailable = (cause: unknown): DomainError =>
  cause instanceof DomainError
    ? cause
    : new DomainError('unavailable', 'The storage cannot be reached right now. Try again.', {
        cause,
      })

/**
 * SQLSTATE classes of a server that cannot serve for now: connection (08), resources (53), limits
 * and cancellation (57), deadlock and serialisation (40), read-only standby (25006).
 */
const OUTAGE_STATE = /^(08|53|57|40|25006)/

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

/** Whether a statement was refused because of that unique index. */
export const isTaken = (error: unknown, index: string): boolean =>
  error instanceof postgres.PostgresError &&
  error.code === '23505' &&
  error.constraint_name === index
