import type { ImportNote } from '../../application/ports.ts'

const PLACES_MAX = 20

/** What a file has and a task has no place for, each kind once. */
export type Notes = Readonly<{
  add(field: string, detail: string, place: number): void
  all(): ImportNote[]
}>

export const createNotes = (): Notes => {
  const notes = new Map<string, { field: string; detail: string; count: number; at: number[] }>()
  return {
    add: (field, detail, place) => {
      const key = JSON.stringify([field, detail])
      const note = notes.get(key) ?? { field, detail, count: 0, at: [] }
      notes.set(key, note)
      note.count++
      if (note.at.length < PLACES_MAX) note.at.push(place)
    },
    all: () => [...notes.values()],
  }
}
