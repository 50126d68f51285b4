import type { UserId } from '../../domain/task.ts'
import type { Ports, Spent } from '../ports.ts'

/** The request is to be refused when there is a `wait`. */
export const admitRequest =
  (ports: Pick<Ports, 'budgets'>) =>
  (actor: UserId): Spent =>
    ports.budgets.spend(actor, 'requests', 1)
