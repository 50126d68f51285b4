import type { Change } from '../../src/domain/change.ts'

/** A line for each change. */
export const linesOf = (changes: readonly Change[]): string[] =>
  changes.map((change) =>
    change.op === 'upsert'
      ? `${change.revision} ${change.task.title}`
      : `${change.revision} deleted ${change.id}`,
  )
