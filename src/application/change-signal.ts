import type { Revision, UserId } from '../domain/task.ts'

/** Somebody who follows the changes of one owner. */
export type Watch = Readonly<{
  /** Resolves when the owner's revision has passed `revision`, and when the watch has ended. */
  beyond(revision: Revision): Promise<void>
  end(): void
}>

export type ChangeSignal = ReturnType<typeof changeSignal>

type Watched = { revision: Revision; watches: Set<() => void> }

/** Wakes those who follow an owner's changes: all of them sleep on one look-up together. */
export const changeSignal = () => {
  const owners = new Map<UserId, Watched>()

  return {
    /** Misses nothing that is told from now on. */
    watch: (owner: UserId): Watch => {
      const watched: Watched = owners.get(owner) ?? { revision: 0, watches: new Set() }
      owners.set(owner, watched)
      let wake = (): void => {}
      let ended = false
      const rouse = (): void => wake()
      watched.watches.add(rouse)
      return {
        beyond: async (revision) => {
          while (!ended && watched.revision <= revision) {
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        },
        end: () => {
          ended = true
          wake()
          watched.watches.delete(rouse)
          if (watched.watches.size === 0) owners.delete(owner)
        },
      }
    },

    tell: (owner: UserId, revision: Revision): void => {
      const watched = owners.get(owner)
      if (!watched || revision <= watched.revision) return
      watched.revision = revision
      for (const rouse of watched.watches) rouse()
    },

    watched: (): UserId[] => [...owners.keys()],
  }
}
