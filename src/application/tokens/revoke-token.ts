import type { UserId } from '../../domain/task.ts'
import { tokenNotFound } from '../../domain/token.ts'
import type { Ports } from '../ports.ts'

/** No process accepts it from the next request on. Throws `not-found`. */
export const revokeToken =
  ({ tokens }: Pick<Ports, 'tokens'>) =>
  async (actor: UserId, id: string): Promise<void> => {
    if (!(await tokens.remove(actor, id))) throw tokenNotFound()
  }
