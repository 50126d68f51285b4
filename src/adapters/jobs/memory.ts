import type { JobQueue } from '../../application/ports.ts'
import { inProcessQueue, type JobTable, type RunnerOptions, type TakenJob } from './in-process.ts'

type Kept = TakenJob & { at: string; taken: boolean }

/** Keeps jobs as long as the process lives. */
export const memoryJobQueue = (options: RunnerOptions = {}): JobQueue => {
  const jobs = new Map<string, Kept>()
  const nameOf = ({ kind, key }: { kind: string; key: string }): string => `${kind} ${key}`
  const waiting = (): Kept[] =>
    [...jobs.values()].filter(({ taken }) => !taken).sort((a, b) => (a.at < b.at ? -1 : 1))

  const table: JobTable = {
    put: (job, at) => {
      const name = nameOf(job)
      if (!jobs.has(name)) jobs.set(name, { ...job, at, failures: 0, taken: false })
    },
    take: (now, limit) => {
      const found = waiting()
        .filter(({ at }) => at <= now)
        .slice(0, Math.max(limit, 0))
      for (const job of found) job.taken = true
      return found.map(({ kind, key, failures }) => ({ kind, key, failures }))
    },
    next: () => waiting()[0]?.at,
    drop: (job) => void jobs.delete(nameOf(job)),
    putBack: (job, at) => {
      const kept = jobs.get(nameOf(job))
      if (kept) jobs.set(nameOf(job), { ...kept, at, taken: false, failures: kept.failures + 1 })
    },
  }
  return inProcessQueue(table, options)
}
