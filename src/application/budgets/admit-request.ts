import type { UserId } from '../../domain/task.ts'
import type { Ports, Spent } from '../ports.ts'

/** A `wait` means that the request must be refused. */
export const admitRequest =
  (ports: Pick<Ports, 'budgets'>) =>
  (actor: UserId): Spent =>
    ports.budgets.spend(actor, 'requests', 1)
