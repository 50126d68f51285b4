import { describe, expect, test } from 'bun:test'
import { compareText, fold, textProblem } from '../../src/domain/text.ts'

describe('fold', () => {
  test.each([
    ['Éclair', 'eclair'],
    ['e\u0301clair', 'eclair'],
    ['ZEBRA', 'zebra'],
    ['Straße', 'strasse'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['οδός', 'οδοσ'],
    ['İstanbul', 'istanbul'],
    ['Ёлка', 'елка'],
    ['a \t\r\n\u00a0b', 'a b'],
    ['❤️', '❤'],
    ['が', 'が'],
    ['किताब', 'किताब'],
    ['한국', '한국'],
  ])('%s becomes %s', (text, folded) => {
    expect(fold(text)).toBe(folded)
    expect(fold(folded)).toBe(folded)
  })

  test('has no line break left, so that nothing is found across title and description', () => {
    expect(fold('a\n\r\u2028\u2029\u0085b')).not.toContain('\n')
  })
})

test('texts compare as their UTF-8 bytes do', () => {
  const texts = [
    '',
    'a',
    'aa',
    'b',
    'é',
    'e\u0301',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
    'a\u{1f600}',
    'a\uff5e',
  ]
  for (const a of texts) {
    for (const b of texts) {
      expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }
  }
})

test('lengths are in code points, both ends included', () => {
  expect(textProblem('', 1, 3)).toContain('1 to 3')
  expect(textProblem('𝄞𝄞𝄞', 1, 3)).toBeUndefined()
  expect(textProblem('𝄞𝄞𝄞𝄞', 1, 3)).toContain('1 to 3')
  expect(textProblem('abcd', 0, 3)).toContain('at most 3')
})

test('what no storage keeps the same is refused', () => {
  expect(textProblem('a\0b', 0, 10)).toContain('U+0000')
  expect(textProblem('a\ud800', 0, 10)).toContain('surrogate')
})
