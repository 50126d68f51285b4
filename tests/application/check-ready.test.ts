import { expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type { FailingJob } from '../../src/application/ports.ts'
import { earlier } from '../../src/domain/due-date.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { appOf, idleQueue } from '../support/app.ts'
import { countingIds, NOON } from '../support/tasks.ts'

const { tasks } = memoryStorage()

const readyWith = (failing: FailingJob[], queue: string | null = null) =>
  appOf({
    tasks,
    now: () => NOON,
    newId: countingIds(),
    failingJobs: () => failing,
    jobs: { ...idleQueue, failingSince: () => queue },
  }).checkReady()

const LONG = earlier(NOON, 60_000)
const SHORT = earlier(NOON, 59_999)

test('jobs and the job queue show once they have failed for a minute', async () => {
  expect(await readyWith([])).toEqual([])
  const long: FailingJob = { job: 'purge-expired', since: LONG }
  expect(await readyWith([{ job: 'send-reminders', since: SHORT }, long])).toEqual([long])
  expect(await readyWith([], SHORT)).toEqual([])
  expect(await readyWith([], LONG)).toEqual([{ job: 'job-queue', since: LONG }])
})

test('without the storage nothing is ready, whatever the jobs do', async () => {
  const away = {
    ...tasks,
    ready: () => Promise.reject(new DomainError('unavailable', 'The storage is away.')),
  }
  const app = appOf({ tasks: away, now: () => NOON, newId: countingIds() })
  await expect(app.checkReady()).rejects.toMatchObject({ kind: 'unavailable' })
})
