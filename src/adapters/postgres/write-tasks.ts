import type postgres from 'postgres'
import type { Step } from '../../application/ports.ts'
import type { Write } from '../../domain/plan.ts'
import { taskKeys } from '../../domain/task.ts'
import { COLUMNS_OF, COLUMNS_OF_MANY, type Column } from './step-columns.ts'
import { textFor } from './write-sql.ts'

/** `base` is null when nothing was written: then `found` tells whether every task was as expected. */
export type Written = { base: number | null; found: boolean }

/**
 * One statement for a whole step. It locks the tasks at the revisions seen, in the order of their
 * ids; counts the owner up if none is missing; then changes the tasks. In this order a writer that
 * waited and lost finds something missing and takes no revision. A receipt with a key that is there
 * fails the statement, and with it everything.
 */
export const writeStatement = (
  sql: postgres.Sql,
  { owner, writes, taken, quota, at, receipt }: Step,
): postgres.PendingQuery<Written[]> => {
  const ops = new Set(writes.map(({ op }) => op))
  const added = writes.reduce((sum, { op }) => sum + ADDED[op], 0)
  const [first, second] = writes
  const single = first !== undefined && second === undefined
  const parameters: (string | null)[] = [owner, String(taken), String(added), String(quota)]
  if (single) parameters.push(...valuesOf(first, COLUMNS_OF[first.op]))
  else parameters.push(JSON.stringify(writes.map((write) => valuesOf(write, COLUMNS_OF_MANY))))
  if (receipt || taken > 0) parameters.push(at)
  if (receipt) parameters.push(receipt.key, receipt.request, JSON.stringify(receipt.changes))
  const text = textFor(ops, single, receipt !== undefined)
  return sql.unsafe<Written[]>(text, parameters as string[], { prepare: true })
}

const ADDED = { create: 1, replace: 0, keep: 0, remove: -1 } as const

const valuesOf = ({ op, task, nth }: Write, columns: readonly Column[]): (string | null)[] => {
  const values: Record<Column, string | null> = {
    ...task,
    ...taskKeys(task),
    op,
    nth: String(nth),
    revision: 'revision' in task ? String(task.revision) : null,
    completed: String(task.completed),
  }
  return columns.map((name) => values[name])
}
