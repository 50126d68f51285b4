import type { Revision, UserId } from '../../domain/task.ts'

export type Watch = Readonly<{
  /** Resolves when the owner's revision has passed `revision`, and when the watch has ended. */
  waitPast(revision: Revision): Promise<void>
  end(): void
}>

export type ChangeSignal = ReturnType<typeof changeSignal>

type Watched = { revision: Revision; wakes: Set<() => void> }

export const changeSignal = () => {
  const owners = new Map<UserId, Watched>()

  return {
    /** Misses nothing that is notified from now on. */
    watch: (owner: UserId): Watch => {
      const watched: Watched = owners.get(owner) ?? { revision: 0, wakes: new Set() }
      owners.set(owner, watched)
      let resume = (): void => {}
      let ended = false
      const wake = (): void => resume()
      watched.wakes.add(wake)
      return {
        waitPast: async (revision) => {
          while (!ended && watched.revision <= revision) {
            await new Promise<void>((resolve) => {
              resume = resolve
            })
          }
        },
        end: () => {
          ended = true
          resume()
          watched.wakes.delete(wake)
          if (watched.wakes.size === 0 && owners.get(owner) === watched) owners.delete(owner)
        },
      }
    },

    notify: (owner: UserId, revision: Revision): void => {
      const watched = owners.get(owner)
      if (!watched || revision <= watched.revision) return
      watched.revision = revision
      for (const wake of watched.wakes) wake()
    },

    watched: (): UserId[] => [...owners.keys()],
  }
}
