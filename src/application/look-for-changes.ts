import type { ChangeSignal } from './change-signal.ts'
import type { Ports } from './ports.ts'

const AT_ONCE = 1000

/** Looks up what other processes have changed for all who are followed here; to be called regularly. */
export const lookForChanges =
  ({ tasks }: Pick<Ports, 'tasks'>, signal: ChangeSignal) =>
  async (): Promise<void> => {
    const owners = signal.watched()
    for (let start = 0; start < owners.length; start += AT_ONCE) {
      const found = await tasks.revisions(owners.slice(start, start + AT_ONCE))
      for (const { owner, revision } of found) signal.tell(owner, revision)
    }
  }
