import type { Database } from 'bun:sqlite'
import type { JobQueue } from '../../application/ports.ts'
import { inProcessQueue, type JobTable, type RunnerOptions, type TakenJob } from './in-process.ts'

/** Keeps jobs in the file of the tasks. What was being done when the last process ended waits again. */
export const sqliteJobQueue = (db: Database, options: RunnerOptions = {}): JobQueue => {
  db.run('update jobs set taken = 0 where taken = 1')
  const put = db.query(
    'insert into jobs (kind, key, run_at) values (?, ?, ?) on conflict do nothing',
  )
  const take = db.query<TakenJob, [string, number]>(`
    update jobs set taken = 1 where (kind, key) in (
      select kind, key from jobs where taken = 0 and run_at <= ? order by run_at limit ?)
    returning kind, key, failures`)
  const next = db.query<{ run_at: string }, []>(
    'select run_at from jobs where taken = 0 order by run_at limit 1',
  )
  const drop = db.query('delete from jobs where kind = ? and key = ?')
  const putBack = db.query(
    'update jobs set taken = 0, failures = failures + 1, run_at = ?3 where kind = ?1 and key = ?2',
  )

  const table: JobTable = {
    put: ({ kind, key }, at) => void put.run(kind, key, at),
    take: (now, limit) => take.all(now, Math.max(limit, 0)),
    next: () => next.get()?.run_at,
    drop: ({ kind, key }) => void drop.run(kind, key),
    putBack: ({ kind, key }, at) => void putBack.run(kind, key, at),
  }
  return inProcessQueue(table, options)
}
