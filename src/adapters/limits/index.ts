import type { Budgets } from '../../application/ports.ts'
import { tokenBuckets, unlimited } from './token-buckets.ts'

/** Without limits when the factor is 0. */
export const budgetsOf = (factor: number): Budgets =>
  factor === 0 ? unlimited : tokenBuckets(factor)
