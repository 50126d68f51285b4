import postgres from 'postgres'

type Waiting<Call, Result> = Readonly<{
  call: Call
  timer: Timer
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}>

export type Lanes<Call, Result> = Readonly<{
  alone: (call: Call) => Promise<Result>
  /** Results are in the order of the calls; all calls take effect or none. */
  together: (calls: readonly Call[]) => Promise<Result[]>
  /** Statements under way at once, and calls in each. */
  lanes?: number
  most?: number
  /** Milliseconds a call may wait, and the error of one that waited in vain. */
  patience: number
  tooBusy: () => Error
}>

/** Calls share one wait for the disk. When the server refuses a statement, each is sent alone. */
export const groupCommit = <Call, Result>({
  alone,
  together,
  lanes = 2,
  most = 32,
  patience,
  tooBusy,
}: Lanes<Call, Result>): ((call: Call) => Promise<Result>) => {
  const waiting = new Set<Waiting<Call, Result>>()
  let free = lanes
  let scheduled = false

  const runAlone = async ({ call, resolve, reject }: Waiting<Call, Result>): Promise<void> => {
    try {
      resolve(await alone(call))
    } catch (error) {
      reject(error)
    }
  }

  const run = async (group: readonly Waiting<Call, Result>[]): Promise<void> => {
    const [only, second] = group
    if (only && !second) return runAlone(only)
    try {
      const results = await together(group.map(({ call }) => call))
      for (const [n, { resolve, reject }] of group.entries()) {
        const result = results[n]
        if (result === undefined) reject(new Error('A shared statement returned too few rows.'))
        else resolve(result)
      }
    } catch (error) {
      // Not awaited: one that waits for a lock would keep the lane from others.
      if (wasRolledBack(error)) for (const each of group) void runAlone(each)
      else for (const { reject } of group) reject(error)
    }
  }

  const advance = (): void => {
    scheduled = false
    while (free > 0 && waiting.size > 0) {
      free--
      const group = [...waiting].slice(0, most)
      for (const each of group) {
        clearTimeout(each.timer)
        waiting.delete(each)
      }
      void run(group).finally(() => {
        free++
        schedule()
      })
    }
  }

  /** What comes in the same turn of the event loop goes together. */
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(advance)
  }

  return (call) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(each)
        reject(tooBusy())
      }, patience)
      const each = { call, timer, resolve, reject }
      waiting.add(each)
      schedule()
    })
}

/** Makes one function of a way to run a call alone and one to run several together. */
export type Grouping = <Call, Result>(
  ways: Pick<Lanes<Call, Result>, 'alone' | 'together'>,
) => (call: Call) => Promise<Result>

export const grouped =
  (turn: Pick<Lanes<never, never>, 'patience' | 'tooBusy'>): Grouping =>
  (ways) =>
    groupCommit({ ...turn, ...ways })

/** For a cluster: calls of several owners have no node in common. */
export const ungrouped: Grouping = ({ alone }) => alone

/** A connection that is lost (08) or ended by the server (57) leaves open what has happened. */
const wasRolledBack = (error: unknown): boolean => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof postgres.PostgresError && !/^(08|57)/.test(cause.code)
}
