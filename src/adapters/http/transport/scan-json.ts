import { DomainError } from '../../../domain/errors.ts'

const MAX_DEPTH = 32

/** Throws for deep nesting and duplicate members, which `JSON.parse` accepts, in any text. */
export const scanJson = (text: string): void => {
  /** The member names of each open object; null for an open array. */
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
      if (isMemberName(text, end)) addName(open.at(-1), text.slice(at, end))
      at = end - 1
    }
  }
}

const endOfString = (text: string, start: number): number => {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}

const isMemberName = (text: string, end: number): boolean => {
  let at = end
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at++
  return text[at] === ':'
}

const addName = (names: Set<string> | null | undefined, quoted: string): void => {
  const name = decode(quoted)
  if (names?.has(name)) {
    throw new DomainError('invalid', 'The body has a duplicate member. Remove one of the two.')
  }
  names?.add(name)
}

/** "a" and "\u0061" are the same name. */
const decode = (quoted: string): string => {
  try {
    return JSON.parse(quoted)
  } catch {
    return quoted
  }
}
