import type { Ports } from '../ports.ts'
import type { ChangeSignal } from './change-signal.ts'

const BATCH_SIZE = 1000

/** Finds what other processes commit, for all owners that are followed here. */
export const pollRevisions =
  ({ tasks }: Pick<Ports, 'tasks'>, signal: ChangeSignal) =>
  async (): Promise<undefined> => {
    const owners = signal.watched()
    for (let start = 0; start < owners.length; start += BATCH_SIZE) {
      const found = await tasks.versions(owners.slice(start, start + BATCH_SIZE))
      for (const { owner, version } of found) signal.notify(owner, version.revision)
    }
  }
