import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { tokenSecrets } from '../../src/adapters/tokens/index.ts'

const { create, hash } = tokenSecrets

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const numberOf = (digits: string): bigint =>
  [...digits].reduce((sum, digit) => sum * 62n + BigInt(DIGITS.indexOf(digit)), 0n)

test('a token is a prefix, 256 random bits and a checksum of both, in base62', () => {
  const tokens = Array.from({ length: 1000 }, create)
  expect(new Set(tokens).size).toBe(1000)
  let union = 0n
  for (const token of tokens) {
    const [, random = '', checksum = ''] =
      /^tp_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/.exec(token) ?? []
    expect(numberOf(random) < 2n ** 256n).toBe(true)
    expect(numberOf(checksum)).toBe(BigInt(crc32(`tp_${random}`)))
    union |= numberOf(random)
  }
  expect(union).toBe(2n ** 256n - 1n)
})

test('its hash is that of the whole token', () => {
  const token = create()
  expect(hash(token)).toBe(createHash('sha256').update(token).digest('base64url'))
})

test('a token with a typing error has no hash', () => {
  const token = create()
  const swapped = (n: number) =>
    token.slice(0, n) + (token[n] === 'a' ? 'b' : 'a') + token.slice(n + 1)
  for (let n = 0; n < token.length; n++) expect(hash(swapped(n))).toBeUndefined()
  for (const other of [
    '',
    'tp_',
    token.slice(0, -1),
    `${token}0`,
    `${token} `,
    token.toUpperCase(),
  ]) {
    expect(hash(other)).toBeUndefined()
  }
})
