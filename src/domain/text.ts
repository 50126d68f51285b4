export const codePoints = (text: string): number => {
  let count = 0
  for (const _ of text) count++
  return count
}

/** Lengths are in code points, both ends included. */
export const textProblem = (text: string, min: number, max: number): string | undefined => {
  if (text.includes('\0')) return 'must not contain the character U+0000.'
  if (!text.isWellFormed()) return 'must be well-formed Unicode, without lone surrogates.'
  const length = text.length <= max ? text.length : codePoints(text)
  if (length >= min && length <= max) return undefined
  return min > 0 ? `must have ${min} to ${max} characters.` : `must have at most ${max} characters.`
}

const ACCENTS = /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]/g

/** Needs no locale. Keeps marks that carry meaning outside Latin, Greek and Cyrillic scripts. */
export const fold = (text: string): string =>
  text
    .normalize('NFD')
    .replace(ACCENTS, '')
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFC')
    .replace(/\s+/g, ' ')

/** Orders texts by code point, as a comparison of their UTF-8 bytes does. */
export const compareText = (a: string, b: string): number => {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === length) return a.length - b.length
  const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)]
  return byCodePoint(x) - byCodePoint(y)
}

/** UTF-16 puts surrogates (astral characters) before U+E000 to U+FFFF; code points come after. */
const byCodePoint = (unit: number): number =>
  unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x10000 : unit
