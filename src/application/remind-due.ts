import type { ChangeSignal } from './change-signal.ts'
import type { Ports } from './ports.ts'

const AT_ONCE = 200

/** Reminds of every task whose time has come. Answers how many batches it took; call it often. */
export const remindDue =
  ({ tasks, now, tell }: Pick<Ports, 'tasks' | 'now'> & Pick<ChangeSignal, 'tell'>) =>
  async (): Promise<number> => {
    for (let batches = 0; ; batches++) {
      const reminded = await tasks.remind(now(), AT_ONCE)
      if (reminded.length === 0) return batches
      for (const { owner, revision } of reminded) tell(owner, revision)
    }
  }
