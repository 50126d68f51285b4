import { DomainError } from '../../domain/errors.ts'

const MAX_DEPTH = 32

/**
 * Refuses what `JSON.parse` lets pass: great depth, and members named twice, of which it drops the
 * first. Takes one pass over a text that need not be JSON.
 */
export const scanJson = (text: string): void => {
  /** For each open object the names seen; null for an open array. */
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : null)
      if (open.length > MAX_DEPTH) {
        throw new DomainError('invalid', `The body is nested deeper than ${MAX_DEPTH} levels.`)
      }
    } else if (char === '}' || char === ']') open.pop()
    else if (char === '"') {
      const end = endOfString(text, at)
      if (isName(text, end)) claim(open.at(-1), text.slice(at, end))
      at = end - 1
    }
  }
}

/** Where the string that starts at `start` is over, its closing quote included. */
const endOfString = (text: string, start: number): number => {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}

const isName = (text: string, end: number): boolean => {
  let at = end
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at++
  return text[at] === ':'
}

const claim = (names: Set<string> | null | undefined, quoted: string): void => {
  const name = unquoted(quoted)
  if (names?.has(name)) {
    throw new DomainError('invalid', 'The body names a member twice. Keep one of the two.')
  }
  names?.add(name)
}

/** Two spellings may be one name: "a" and "\u0061". */
const unquoted = (quoted: string): string => {
  try {
    return JSON.parse(quoted)
  } catch {
    return quoted
  }
}
