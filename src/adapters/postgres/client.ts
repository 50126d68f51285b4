import postgres from 'postgres'
import { DomainError } from '../../domain/errors.ts'
import { driverOptions } from './driver.ts'
import { codeOf, isOutage } from './outage.ts'
import { semaphore } from './semaphore.ts'

export type Limits = Readonly<{
  poolSize: number
  /** Milliseconds that a query may take, and may wait for a connection. */
  queryDeadline: number
  connectionDeadline: number
  /** Milliseconds that statements under way have when one of them has shown that its connection is dead. */
  replacementDeadline: number
}>

/**
 * Prepared once for each text. Throws `unavailable` during an outage. Parameters are texts, which
 * the statement casts (`$1::text::boolean`): then it means the same when it is prepared again. A
 * statement about one user has the user as its first parameter; others say what they reach.
 */
export type Query = <Row extends object>(
  text: string,
  parameters: readonly (string | null)[],
  reach?: 'one' | 'all' | 'coordinator',
) => Promise<Row[]>

/** Statements under way or waiting for a connection; `waits`: those that had to wait, so far. */
export type PoolLoad = Readonly<{ size: number; statements: number; waits: number }>

export type Client = Readonly<{
  query: Query
  turn: Readonly<{ patience: number; tooBusy: () => Error }>
  load(): PoolLoad
  close(): Promise<void>
}>

/** A statement waits unsent until a connection is free for it. The driver's types lack this one. */
const UNTYPED: object = { max_pipeline: 1 }

/** Milliseconds that a server has to end a cancelled statement before its connection counts as dead. */
const CANCEL_MS = 300

/** Between two replacements of a pool, in milliseconds. */
const REPLACE_PAUSE_MS = 100

/** `onPooler` is called when statements turn out to meet other sessions than they were prepared in. */
export const connect = (url: string, limits: Limits, onPooler = (): void => {}): Client => {
  const options = driverOptions(url)
  let { prepare } = options
  const open = (): postgres.Sql =>
    postgres({
      ...options,
      max: limits.poolSize,
      connect_timeout: options.connect_timeout ?? Math.ceil(limits.connectionDeadline / 1000),
      ...UNTYPED,
      types: { revision: { to: 20, from: [20], serialize: String, parse: Number } },
    }) as postgres.Sql
  let pool = open()
  let opened = performance.now()

  const stopPreparing = (): void => {
    if (prepare) onPooler()
    prepare = false
  }

  /** The driver cannot replace a single connection. */
  const replace = (former: postgres.Sql): void => {
    if (former !== pool || performance.now() - opened < REPLACE_PAUSE_MS) return
    pool = open()
    opened = performance.now()
    former.end({ timeout: limits.replacementDeadline / 1000 }).catch(() => {})
  }

  const cancel = (pid: number | null): void => {
    if (pid === null) return
    const statement = pool.unsafe('select pg_cancel_backend($1::text::integer)', [String(pid)])
    statement.catch(() => {})
  }

  /** The statement's place is given up too, since the connection may never respond. */
  const send = <Row extends object>(
    text: string,
    parameters: readonly (string | null)[],
    end = performance.now() + limits.queryDeadline,
  ): Promise<Row[]> =>
    new Promise((resolve, reject) => {
      const own = pool
      const statement = own.unsafe<Row[]>(text, parameters as string[], { prepare })
      let timer = setTimeout(() => {
        reject(unavailable('deadline exceeded'))
        const { state } = statement as unknown as { state: { pid: number | null } | null }
        if (state === null) {
          statement.cancel()
          return
        }
        cancel(state.pid)
        timer = setTimeout(() => {
          replace(own)
          cancel(state.pid)
        }, CANCEL_MS)
      }, end - performance.now())
      statement.then(
        (rows) => {
          clearTimeout(timer)
          // The driver prepares it again without an error, and the session keeps it forever.
          const { retried } = statement as unknown as { retried: Error | null }
          if (retried && FOREIGN_STATEMENT.has(codeOf(retried))) stopPreparing()
          resolve(withoutHoles(rows))
        },
        (error) => {
          clearTimeout(timer)
          const code = codeOf(error)
          if (code === READ_ONLY) replace(own)
          const { state } = statement as unknown as { state: object | null }
          const again = code === 'CONNECT_TIMEOUT' || (own !== pool && RETIRED.has(code))
          if (state === null && again && performance.now() < end)
            send<Row>(text, parameters, end).then(resolve, reject)
          else reject(error)
        },
      )
    })

  const sendAgain = <Row extends object>(
    text: string,
    parameters: readonly (string | null)[],
  ): Promise<Row[]> =>
    send<Row>(text, parameters).catch((error) => {
      if (!FOREIGN_STATEMENT.has(codeOf(error))) throw error
      stopPreparing()
      return send<Row>(text, parameters)
    })

  // As many again stand by in the driver, which sends the next as soon as a connection is free.
  const turn = { patience: limits.connectionDeadline, tooBusy: () => unavailable('too busy') }
  let waits = 0
  const inTurn = semaphore(2 * limits.poolSize, turn.patience, turn.tooBusy)

  return {
    query: <Row extends object>(text: string, parameters: readonly (string | null)[]) => {
      if (inTurn.steps() >= limits.poolSize) waits++
      return inTurn
        .run(() => sendAgain<Row>(text, parameters))
        .catch((error): never => {
          throw isOutage(error) ? unavailable(error) : error
        })
    },
    turn,
    load: () => ({ size: limits.poolSize, statements: inTurn.steps(), waits }),
    close: () => pool.end({ timeout: 1 }),
  }
}

/** After a statement that failed midway, the driver puts holes before the rows of the next one. */
const withoutHoles = <Row extends object>(rows: Row[]): Row[] =>
  rows.length === 0 || 0 in rows ? rows : rows.filter(() => true)

export const unavailable = (cause: unknown): DomainError =>
  cause instanceof DomainError
    ? cause
    : new DomainError('unavailable', 'The storage cannot be reached right now. Try again.', {
        cause,
      })

/** Of statements that were waiting in a pool when it was replaced. */
const RETIRED = new Set(['CONNECTION_DESTROYED', 'CONNECTION_ENDED'])

const READ_ONLY = '25006'

/** The session has not, or already has, a statement of this name: only a pooler changes sessions. */
const FOREIGN_STATEMENT = new Set(['26000', '42P05'])
