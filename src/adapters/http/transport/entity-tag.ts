import type { Precondition, VersionMatch } from '../../../domain/access.ts'
import { DomainError } from '../../../domain/errors.ts'
import { formatVersion, type Version } from '../../../domain/version.ts'

/** A task that was sent compressed has a tag with that encoding at its end. */
const VERSION = /^(0|[1-9][0-9]*)(?:\.([0-9a-z]{1,32}))?(?:-(?:zstd|gzip))?$/

/** `41`, which matches in every timeline, or `41.k3f9a`. */
const parseVersion = (text: string): VersionMatch[] => {
  const [, revision, timeline = null] = VERSION.exec(text) ?? []
  return revision === undefined ? [] : [{ revision: Number(revision), timeline }]
}

/** The strong entity tag of a task (RFC 9110 section 8.8.3). */
export const taskTag = (version: Version): string => `"${formatVersion(version)}"`

/** The weak tag of a list. The suffix distinguishes users and queries in a shared cache. */
export const listTag = (version: Version, owner: string, search: string): string =>
  `W/"${formatVersion(version)}-${suffix(owner, search)}"`

const suffix = (owner: string, search: string): string =>
  Bun.hash(JSON.stringify([owner, search])).toString(36)

const LIST = '(?:W/)?"[^"]*"(?:\\s*,\\s*(?:W/)?"[^"]*")*'

export const ENTITY_TAGS = `^\\s*(?:\\*|${LIST})\\s*$`

const HEADER = new RegExp(ENTITY_TAGS)

type EntityTags = readonly Readonly<{ weak: boolean; value: string }>[]

const parseTags = (text: string): 'any' | EntityTags | undefined => {
  if (!HEADER.test(text)) return undefined
  if (text.trim() === '*') return 'any'
  return [...text.matchAll(/(W\/)?"([^"]*)"/g)].map(([, weak, value = '']) => ({
    weak: weak !== undefined,
    value,
  }))
}

/** Tags compare strongly, so weak ones never match (RFC 9110 section 13.1.1). */
export const ifMatch = (headers: Headers): Precondition =>
  parseIfMatch(headers.get('if-match') ?? '*')

export const parseIfMatch = (text: string): Precondition => {
  const tags = parseTags(text)
  if (tags === 'any') return 'any'
  if (tags) return tags.flatMap(({ weak, value }) => (weak ? [] : parseVersion(value)))
  throw new DomainError('invalid', 'If-Match must be * or entity tags in quotes, such as "41".')
}

/** Tags compare weakly, a malformed header matches nothing (RFC 9110 section 13.1.2). */
const ifNoneMatch = (headers: Headers): 'any' | EntityTags => {
  const header = headers.get('if-none-match')
  return (header !== null && parseTags(header)) || []
}

/** The tag by which the client has this version, to be repeated in the 304 (RFC 9110 section 15.4.5). */
export const knownTag = (headers: Headers, value: string): string | undefined => {
  const tags = ifNoneMatch(headers)
  if (tags === 'any') return `"${value}"`
  const known = tags.find((tag) => tag.value.replace(/-(?:zstd|gzip)$/, '') === value)
  return known && `"${known.value}"`
}

export const knownTaskTag = (headers: Headers, version: Version): string | undefined =>
  knownTag(headers, formatVersion(version))

/** Undefined when the client does not say what it has. */
export const listCheck = (
  headers: Headers,
  owner: string,
  search: string,
): ((version: Version) => boolean) | undefined => {
  const tags = ifNoneMatch(headers)
  if (tags === 'any') return () => true
  if (tags.length === 0) return undefined
  const ending = `-${suffix(owner, search)}`
  return (version) => tags.some(({ value }) => value === formatVersion(version) + ending)
}
