import type { Database } from 'bun:sqlite'

type Waiting = Readonly<{ run: () => void; settle: () => void; fail: (error: unknown) => void }>

/** Resolves when the step is on disk. */
export type GroupCommit = <Result>(step: () => Result) => Promise<Result>

/**
 * Steps share one wait for the disk; each happens whole or not at all, in the order they came. When
 * `check` throws after that, they fail.
 */
export const groupCommit = (db: Database, check: () => void): GroupCommit => {
  const savepoint = db.query('savepoint step')
  const release = db.query('release step')
  const rollback = db.query('rollback to step')
  let waiting: Waiting[] = []

  const commit = db.transaction((group: readonly Waiting[]): Waiting['settle'][] =>
    group.map(({ run, settle, fail }) => {
      savepoint.run()
      try {
        run()
        release.run()
        return settle
      } catch (error) {
        // A failure of the disk takes the whole transaction back, and with it the savepoint.
        if (!db.inTransaction) throw error
        rollback.run()
        release.run()
        return () => fail(error)
      }
    }),
  ).immediate

  const flush = (): void => {
    const group = waiting
    waiting = []
    try {
      const settled = commit(group)
      check()
      for (const settle of settled) settle()
    } catch (error) {
      for (const { fail } of group) fail(error)
    }
  }

  return <Result>(step: () => Result): Promise<Result> =>
    new Promise((resolve, reject) => {
      let result: Result
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({
        run: () => {
          result = step()
        },
        settle: () => resolve(result),
        fail: reject,
      })
    })
}
