import type { Operation } from '../../domain/changeset.ts'
import { DomainError, throwIfInvalid } from '../../domain/errors.ts'
import { taskIssues, type UserId } from '../../domain/task.ts'
import { execute, type WritePorts } from '../execute.ts'
import { fairShare } from '../fair-share.ts'
import type { ImportFormat, ImportNote, Ports, SourceTask } from '../ports.ts'
import { turn } from '../turn.ts'

type Needs = WritePorts & Pick<Ports, 'readImport'>

/** `unchanged`: tasks that an earlier import made, or that were exported and are still there. */
export type ImportReport = Readonly<{
  found: number
  created: number
  unchanged: number
  notes: readonly ImportNote[]
}>

/** Imports at once, of all users and of one. */
const SHARE = { capacity: 4, perOwner: 1 }

const BATCH_SIZE = 100

const ISSUES_MAX = 20

/** How often a batch is begun again because another import has made some of its tasks. */
const ATTEMPTS = 3

/**
 * Throws `invalid` before anything is written. What stops it later leaves whole batches, and the same
 * file again imports the rest: the ids of tasks follow from their source.
 */
export const importTasks = (ports: Needs) => {
  const share = fairShare(SHARE)

  return async (
    actor: UserId,
    format: ImportFormat,
    bytes: Uint8Array,
    dryRun: boolean,
  ): Promise<ImportReport> => {
    const held = await share.take(actor, 1)
    try {
      const { tasks, notes } = await ports.readImport(actor, format, bytes)
      throwIfInvalid(issuesOf(tasks))
      let created = 0
      for (let start = 0; start < tasks.length; start += BATCH_SIZE) {
        await turn()
        const batch = tasks.slice(start, start + BATCH_SIZE)
        created += await importBatch(ports, actor, batch, dryRun).catch((error) => {
          throw error instanceof DomainError && created > 0 ? partial(error, created) : error
        })
      }
      return { found: tasks.length, created, unchanged: tasks.length - created, notes }
    } finally {
      held.settle(0)
    }
  }
}

const issuesOf = (tasks: readonly SourceTask[]) =>
  tasks
    .flatMap(({ draft, place }) =>
      taskIssues(draft).map(({ field, detail }) => ({ field: `${place}/${field}`, detail })),
    )
    .slice(0, ISSUES_MAX)

/** How many were new. */
const importBatch = async (
  ports: Needs,
  actor: UserId,
  batch: readonly SourceTask[],
  dryRun: boolean,
): Promise<number> => {
  for (let attempt = 1; ; attempt++) {
    const missing = await missingOf(ports, actor, batch)
    if (dryRun || missing.length === 0) return missing.length
    try {
      await execute(ports, actor, missing.map(toOperation))
      return missing.length
    } catch (error) {
      if (error instanceof DomainError || attempt === ATTEMPTS) throw error
      const left = await missingOf(ports, actor, batch)
      if (left.length === missing.length) throw error
    }
  }
}

const missingOf = async (
  { tasks }: Needs,
  actor: UserId,
  batch: readonly SourceTask[],
): Promise<SourceTask[]> => {
  const ids = batch.flatMap(({ original, origin }) =>
    original ? [original, origin.id] : origin.id,
  )
  const stored = await tasks.find(actor, ids)
  const known = new Set(stored.map(({ document }) => document.value().id))
  return batch.filter(
    ({ original, origin }) => !known.has(origin.id) && !(original && known.has(original)),
  )
}

const toOperation = ({ draft, origin }: SourceTask): Operation => ({ op: 'create', draft, origin })

const partial = (error: DomainError, created: number): DomainError =>
  new DomainError(
    error.kind,
    `${created} tasks were imported, then: ${error.message} Send the same file again to import the rest.`,
    { issues: error.issues, retryAfter: error.retryAfter, cause: error },
  )
