import type { Precondition } from '../../domain/access.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Revision, Task } from '../../domain/task.ts'

type EntityTag = Readonly<{ weak: boolean; value: string }>

/** The strong entity tag of a task (RFC 9110 section 8.8.3): its revision. */
export const taskTag = ({ revision }: Pick<Task, 'revision'>): string => `"${revision}"`

/** The weak tag of a list: the user's revision, and what tells users and queries apart in a cache. */
export const listTag = (revision: Revision, owner: string, search: string): string =>
  `W/"${revision}-${suffix(owner, search)}"`

const suffix = (owner: string, search: string): string =>
  Bun.hash(JSON.stringify([owner, search])).toString(36)

/** RFC 9110 section 13.1.1: tags compare strongly, so weak ones never match. */
export const ifMatch = (headers: Headers): Precondition => {
  const header = headers.get('if-match')
  const precondition = header === null ? 'any' : parseIfMatch(header)
  if (precondition) return precondition
  throw new DomainError('invalid', 'If-Match must be * or entity tags in quotes, such as "41".')
}

/** Undefined for a text that is no value of that header. */
export const parseIfMatch = (text: string): Precondition | undefined =>
  text.trim() === '*'
    ? 'any'
    : parse(text)
        ?.filter(({ weak, value }) => !weak && /^[1-9][0-9]*$/.test(value))
        .map(({ value }) => Number(value))

/** RFC 9110 section 13.1.2: tags compare weakly; a header that cannot be read matches nothing. */
export const noneMatchTask = (headers: Headers, task: Task): boolean => {
  const header = headers.get('if-none-match')
  if (header === null) return true
  if (header.trim() === '*') return false
  return !parse(header)?.some(({ value }) => value === String(task.revision))
}

/** The newest revision of this very list that the caller has; undefined without one. */
export const seenList = (headers: Headers, owner: string, search: string): Revision | undefined => {
  const header = headers.get('if-none-match')
  if (header === null) return undefined
  const ending = `-${suffix(owner, search)}`
  const seen = (parse(header) ?? [])
    .filter(({ value }) => value.endsWith(ending))
    .map(({ value }) => Number(value.slice(0, -ending.length)))
    .filter(Number.isSafeInteger)
  return seen.length > 0 ? Math.max(...seen) : undefined
}

const parse = (header: string): EntityTag[] | undefined => {
  if (!/^\s*(W\/)?"[^"]*"(\s*,\s*(W\/)?"[^"]*")*\s*$/.test(header)) return undefined
  return [...header.matchAll(/(W\/)?"([^"]*)"/g)].map(([, weak, value = '']) => ({
    weak: weak !== undefined,
    value,
  }))
}
