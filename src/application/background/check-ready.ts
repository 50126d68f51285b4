import { earlier } from '../../domain/due-date.ts'
import type { FailingJob, Ports } from '../ports.ts'

/** Shorter failures end by themselves. */
const SHOWN_AFTER_MS = 60_000

/** Throws `unavailable` when requests cannot be served; returns what else does not work. */
export const checkReady =
  ({ tasks, jobs, failingJobs, now }: Pick<Ports, 'tasks' | 'jobs' | 'failingJobs' | 'now'>) =>
  async (): Promise<readonly FailingJob[]> => {
    await tasks.ready()
    const since = jobs.failingSince()
    const queue: FailingJob[] = since === null ? [] : [{ job: 'job-queue', since }]
    const shown = earlier(now(), SHOWN_AFTER_MS)
    return [...failingJobs(), ...queue].filter((each) => each.since <= shown)
  }
