import { type Budget, budgetExceeded } from '../../domain/budget.ts'
import type { UserId } from '../../domain/task.ts'
import type { Ports, Spent } from '../ports.ts'

/** Throws `too-many-requests`, and then nothing was spent. */
export const spend = (
  { budgets }: Pick<Ports, 'budgets'>,
  actor: UserId,
  budget: Budget,
  amount = 1,
): Spent => {
  const spent = budgets.spend(actor, budget, amount)
  if (spent.wait > 0) throw budgetExceeded(budget, spent.wait)
  return spent
}
