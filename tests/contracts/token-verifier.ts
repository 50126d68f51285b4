import { describe, expect, test } from 'bun:test'
import type { TokenVerifier } from '../../src/application/ports.ts'
import { DomainError } from '../../src/domain/errors.ts'

/** 2026-02-10T12:00:00Z in seconds: the time on the verifier's clock. */
export const NOW = Date.UTC(2026, 1, 10, 12) / 1000
export const ISSUER = 'https://id.example.com'
export const AUDIENCE = 'taskport'

export type Claims = Record<string, unknown>

export type TokenSetup = Readonly<{
  /** Expects `ISSUER` and `AUDIENCE`, and lives at `NOW`. */
  verify: TokenVerifier
  /** Signs with the right key; `header` adds to or replaces what stands in the header. */
  sign(claims: Claims, header?: Claims): Promise<string>
  /** Tokens signed or made in ways that must not count, by what they are. */
  forgeries(claims: Claims): Promise<Record<string, string>>
}>

export const GOOD: Claims = { sub: 'alice', exp: NOW + 60, iat: NOW, iss: ISSUER, aud: AUDIENCE }

/** The outcome of a verification in one word. */
export const outcome = async (verify: TokenVerifier, token: string): Promise<string> => {
  try {
    return (await verify(token)).user_id
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    if (error.kind !== 'unauthenticated') return error.kind
    return error.message.includes('expired') ? 'expired' : 'invalid'
  }
}

/** What every token verifier must do, whatever its keys are. */
export const tokenVerifierContract = (name: string, open: () => Promise<TokenSetup>): void => {
  describe(`TokenVerifier contract: ${name}`, () => {
    const expectOutcome = async (claims: Claims, expected: string, header?: Claims) => {
      const { verify, sign } = await open()
      const token = await sign(claims, header)
      expect(await outcome(verify, token)).toBe(expected)
      expect(await outcome(verify, token)).toBe(expected)
    }

    test('tells who a token speaks for and until when', async () => {
      const { verify, sign } = await open()
      expect(await verify(await sign(GOOD))).toEqual({
        user_id: 'alice',
        expires_at: (NOW + 60) * 1000,
      })
    })

    test.each([
      'a ',
      'A',
      '\u00e9',
      'e\u0301',
      '%',
      'null',
      '0',
      '👤',
      'x'.repeat(255),
      '𝄞'.repeat(255),
    ])('the user is `sub`, verbatim: %s', (sub) => expectOutcome({ ...GOOD, sub }, sub))

    test.each<[string, Claims]>([
      ['no sub', { sub: undefined }],
      ['empty sub', { sub: '' }],
      ['number as sub', { sub: 7 }],
      ['null as sub', { sub: null }],
      ['object as sub', { sub: { id: 'alice' } }],
      ['sub of 256 characters', { sub: 'x'.repeat(256) }],
      ['NUL in sub', { sub: 'a\0' }],
      ['lone surrogate in sub', { sub: 'a\ud800' }],
      ['no exp', { exp: undefined }],
      ['text as exp', { exp: '9999999999' }],
      ['null as exp', { exp: null }],
      ['not before a minute from now', { nbf: NOW + 60 }],
      ['text as nbf', { nbf: 'now' }],
      ['no issuer', { iss: undefined }],
      ['another issuer', { iss: `${ISSUER}/` }],
      ['no audience', { aud: undefined }],
      ['another audience', { aud: 'other' }],
      ['other audiences', { aud: ['other', 'another'] }],
    ])('is invalid: %s', (_, claims) => expectOutcome({ ...GOOD, ...claims }, 'invalid'))

    test.each<[string, Claims, string]>([
      ['one of several audiences', { aud: ['other', AUDIENCE] }, 'alice'],
      ['expired 29 s ago, within the leeway', { exp: NOW - 29 }, 'alice'],
      ['expired 31 s ago', { exp: NOW - 31 }, 'expired'],
      ['expired a year ago', { exp: NOW - 31_536_000 }, 'expired'],
      ['expired, and for another audience', { exp: NOW - 60, aud: 'other' }, 'invalid'],
      ['expired, and without a user', { exp: NOW - 60, sub: undefined }, 'invalid'],
      ['not before 29 s from now', { nbf: NOW + 29 }, 'alice'],
      ['good for a hundred years', { exp: NOW + 3_153_600_000 }, 'alice'],
    ])('%s', (_, claims, expected) => expectOutcome({ ...GOOD, ...claims }, expected))

    test('an unknown critical header makes it invalid', () =>
      expectOutcome(GOOD, 'invalid', { crit: ['x'], x: 1 }))

    test.each<[string, Claims]>([
      ['an embedded key', { jwk: { kty: 'oct', k: 'AAAA' } }],
      ['an address of keys', { jku: 'http://127.0.0.1:9/keys' }],
    ])('nothing is made of %s', (_, header) => expectOutcome(GOOD, 'alice', header))

    test('a forged token is invalid, also when it looks expired', async () => {
      const { verify, forgeries } = await open()
      for (const claims of [GOOD, { ...GOOD, exp: NOW - 3600 }]) {
        for (const [kind, token] of Object.entries(await forgeries(claims))) {
          expect([kind, await outcome(verify, token)]).toEqual([kind, 'invalid'])
        }
      }
    })

    test('a token that was tampered with or is none is invalid', async () => {
      const { verify, sign } = await open()
      const token = await sign(GOOD)
      const [header = '', payload = '', signature = ''] = token.split('.')
      const other = encode({ ...GOOD, sub: 'mallory' })
      const flipped = signature.startsWith('A')
        ? `B${signature.slice(1)}`
        : `A${signature.slice(1)}`
      for (const bad of [
        `${header}.${other}.${signature}`,
        `${header}.${payload}.${flipped}`,
        `${header}.${payload}.`,
        `${header}.${payload}`,
        `${token}.x`,
        `${encode({ alg: 'none' })}.${payload}.`,
        `${encode({ alg: 'None' })}.${payload}.${signature}`,
        `${encode({})}.${payload}.${signature}`,
        `x${token}`,
        '..',
        '',
        'null',
        '{}',
        '\u{1f600}',
      ]) {
        expect([bad, await outcome(verify, bad)]).toEqual([bad, 'invalid'])
      }
    })

    test('a token of more than 8192 characters is invalid', async () => {
      await expectOutcome({ ...GOOD, padding: 'x'.repeat(8192) }, 'invalid')
    })

    test('a token that was accepted is known again at once, and no longer than it is good', async () => {
      const { verify, sign } = await open()
      const token = await sign(GOOD)
      const first = verify(token)
      expect(first).toBeInstanceOf(Promise)
      expect(verify(token)).toBeInstanceOf(Promise)
      expect(await first).toEqual(verify(token) as never)
    })
  })
}

export const encode = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')
