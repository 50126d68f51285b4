import { afterEach, describe, expect, test } from 'bun:test'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import { tokenVerifier } from '../../src/adapters/jwt/index.ts'
import { keySetVerifier } from '../../src/adapters/jwt/key-set.ts'
import { secretProblem } from '../../src/adapters/jwt/secret-problem.ts'
import { sharedSecretSigner, sharedSecretVerifier } from '../../src/adapters/jwt/shared-secret.ts'
import {
  AUDIENCE,
  type Claims,
  encode,
  GOOD,
  ISSUER,
  NOW,
  outcome,
  tokenVerifierContract,
} from '../contracts/token-verifier.ts'
import { eventually, within } from '../support/wait.ts'

const SECRET = 'a secret of at least thirty-two bytes'
const expected = { issuer: ISSUER, audience: AUDIENCE }
const atNow = { ...expected, now: () => NOW * 1000 }

/** Undefined claims are left out, as JSON does. */
const sign = (key: CryptoKey | Uint8Array, header: Claims & { alg: string }, claims: Claims) => {
  const signing = new SignJWT(JSON.parse(JSON.stringify(claims))).setProtectedHeader(header)
  return signing.sign(key, { crit: { x: true, b64: true } })
}

const hmac = (text: string, header: Claims & { alg: string }, claims: Claims) => {
  const hash = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }[header.alg] ?? 'sha256'
  const input = `${encode(header)}.${encode(claims)}`
  const mark = new Bun.CryptoHasher(hash as 'sha256', text).update(input).digest('base64url')
  return `${input}.${mark}`
}

tokenVerifierContract('shared secret', async () => ({
  verify: sharedSecretVerifier({ ...atNow, secret: SECRET }),
  sign: async (claims, header = {}) => hmac(SECRET, { alg: 'HS256', ...header }, claims),
  forgeries: async (claims) => {
    const { privateKey } = await generateKeyPair('EdDSA')
    return {
      'no signature': `${encode({ alg: 'none' })}.${encode(claims)}.`,
      'HS384 with the secret': hmac(SECRET, { alg: 'HS384' }, claims),
      'HS512 with the secret': hmac(SECRET, { alg: 'HS512' }, claims),
      'another secret': hmac(`${SECRET}!`, { alg: 'HS256' }, claims),
      'an empty secret': hmac('', { alg: 'HS256' }, claims),
      'a key of its own': await sign(privateKey, { alg: 'EdDSA' }, claims),
    }
  },
}))

/** A real key server, whose response can be changed and whose requests are counted. */
const keyServer = (keys: JWK[] = []) => {
  const state = {
    keys,
    asked: 0,
    respond: undefined as (() => Response | Promise<Response>) | undefined,
  }
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => {
      state.asked++
      return state.respond?.() ?? Response.json({ keys: state.keys })
    },
  })
  open.push(() => server.stop(true))
  return {
    ...server,
    state,
    url: `http://127.0.0.1:${server.port}/jwks`,
    stop: () => server.stop(true),
  }
}

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const newKey = async (alg: string, kid: string, published: Partial<JWK> = {}) => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), kid, ...published } as JWK,
    sign: (claims: Claims = GOOD, header: Claims = {}) =>
      sign(privateKey, { alg, kid, ...header }, claims),
  }
}

tokenVerifierContract('key set', async () => {
  const [ed, rsa] = [await newKey('EdDSA', 'ed'), await newKey('RS256', 'rsa', { alg: 'RS256' })]
  const oct: JWK = { kty: 'oct', kid: 'oct', k: Buffer.from(SECRET).toString('base64url') }
  const server = keyServer([ed.jwk, rsa.jwk, oct])
  return {
    verify: keySetVerifier({ ...atNow, url: server.url, fetchPause: 0 }),
    sign: ed.sign,
    forgeries: async (claims) => {
      const stranger = await newKey('EdDSA', 'ed')
      const unknown = await newKey('EdDSA', 'unknown')
      return {
        'no signature': `${encode({ alg: 'none', kid: 'ed' })}.${encode(claims)}.`,
        'the public key as HMAC secret': hmac(
          await exportSPKI(rsa.publicKey),
          { alg: 'HS256', kid: 'rsa' },
          claims,
        ),
        'the public JWK as HMAC secret': hmac(
          JSON.stringify(ed.jwk),
          { alg: 'HS256', kid: 'ed' },
          claims,
        ),
        'a symmetric key of the set': hmac(SECRET, { alg: 'HS256', kid: 'oct' }, claims),
        'the name of a key, signed by another': await stranger.sign(claims),
        'an unknown key': await unknown.sign(claims),
        'its own key in the header': await stranger.sign(claims, { jwk: stranger.jwk }),
        'another algorithm than the key names': await rsa.sign(claims, { kid: 'ed' }),
      }
    },
  }
})

describe('shared secret', () => {
  test('weak secrets and key files are refused', () => {
    expect(secretProblem(SECRET)).toBeUndefined()
    expect(secretProblem('é'.repeat(16))).toBeUndefined()
    for (const secret of [
      '',
      'short',
      'x'.repeat(31),
      `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(100)}`,
    ]) {
      expect(secretProblem(secret)).toBeString()
      expect(() => sharedSecretVerifier({ secret })).toThrow('secret')
    }
  })

  test('an unencoded payload is invalid', async () => {
    const verify = sharedSecretVerifier({ ...atNow, secret: SECRET })
    const header = { alg: 'HS256', crit: ['b64'], b64: false }
    expect(await outcome(verify, hmac(SECRET, header, GOOD))).toBe('invalid')
  })

  test('its own signer makes tokens it accepts', async () => {
    const token = await sharedSecretSigner({ ...expected, secret: SECRET })('bob', 60)
    expect(await outcome(sharedSecretVerifier({ ...expected, secret: SECRET }), token)).toBe('bob')
    expect(await outcome(sharedSecretVerifier({ secret: SECRET }), token)).toBe('bob')
    expect(await outcome(sharedSecretVerifier({ secret: SECRET, issuer: 'x' }), token)).toBe(
      'invalid',
    )
  })
})

describe('the cache', () => {
  test('ends with the token, to the second', async () => {
    let now = NOW
    const verify = sharedSecretVerifier({ ...expected, secret: SECRET, now: () => now * 1000 })
    const token = hmac(SECRET, { alg: 'HS256' }, { ...GOOD, exp: NOW + 10 })
    await verify(token)
    now = NOW + 9
    expect(verify(token)).not.toBeInstanceOf(Promise)
    now = NOW + 10
    expect(verify(token)).toBeInstanceOf(Promise)
    now = NOW + 10 + 31
    expect(await outcome(verify, token)).toBe('expired')
  })

  test('lasts a minute, after which a withdrawn key counts no more', async () => {
    let now = NOW
    const key = await newKey('EdDSA', 'one')
    const server = keyServer([key.jwk])
    const verify = keySetVerifier({
      ...expected,
      url: server.url,
      now: () => now * 1000,
      fetchPause: 0,
    })
    const token = await key.sign({ ...GOOD, exp: NOW + 7200 })
    expect(await outcome(verify, token)).toBe('alice')
    server.state.keys = [(await newKey('EdDSA', 'two')).jwk]
    now = NOW + 59
    expect(verify(token)).not.toBeInstanceOf(Promise)
    now = NOW + 61
    expect(verify(token)).toBeInstanceOf(Promise)
    // Old keys are looked up anew after ten minutes, behind a request that still sees them.
    now = NOW + 700
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    server.state.respond = () => {
      resolve()
      return Response.json({ keys: server.state.keys })
    }
    await outcome(verify, token)
    await within(asked, 'the keys are fetched again')
    await eventually(async () => {
      now += 61
      return (await outcome(verify, token)) !== 'alice'
    }, 'the withdrawn key is rejected')
    expect(await outcome(verify, token)).toBe('invalid')
  })
})

describe('key set', () => {
  const verifierOf = (url: string, options = {}) =>
    keySetVerifier({ ...atNow, url, fetchPause: 0, ...options })

  test.each(['EdDSA', 'ES256', 'RS256', 'PS256'])('accepts %s', async (alg) => {
    const key = await newKey(alg, 'k', { alg })
    const verify = verifierOf(keyServer([key.jwk]).url)
    expect(await outcome(verify, await key.sign())).toBe('alice')
  })

  test.each(['ES384', 'RS512', 'PS384'])('refuses %s', async (alg) => {
    const key = await newKey(alg, 'k', { alg })
    expect(await outcome(verifierOf(keyServer([key.jwk]).url), await key.sign())).toBe('invalid')
  })

  test('asks once for many first requests, and again for a new key', async () => {
    const [one, two] = [await newKey('EdDSA', 'one'), await newKey('ES256', 'two')]
    const server = keyServer([one.jwk])
    const verify = verifierOf(server.url)
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, n) => one.sign({ ...GOOD, sub: `user ${n}` })),
    )
    const users = await Promise.all(tokens.map((token) => outcome(verify, token)))
    expect(users).toEqual(tokens.map((_, n) => `user ${n}`))
    expect(server.state.asked).toBe(1)
    server.state.keys = [one.jwk, two.jwk]
    expect(await outcome(verify, await two.sign())).toBe('alice')
    expect(server.state.asked).toBe(2)
  })

  test('does not ask again and again for keys that are not there', async () => {
    const key = await newKey('EdDSA', 'k')
    const server = keyServer([key.jwk])
    const verify = verifierOf(server.url, { fetchPause: 60_000 })
    await outcome(verify, await key.sign())
    for (const kid of ['x', 'y', 'z']) {
      expect(await outcome(verify, await key.sign(GOOD, { kid }))).toBe('invalid')
    }
    expect(server.state.asked).toBe(1)
  })

  test.each<[string, () => Response | Promise<Response>]>([
    ['fails', () => new Response('', { status: 500 })],
    ['redirects', () => Response.redirect('http://127.0.0.1:9/', 302)],
    ['talks nonsense', () => new Response('<html>')],
    ['returns something else', () => Response.json({ key: [] })],
    ['never responds', () => new Promise(() => {})],
  ])('no key known and a server that %s is unavailable, until it is well', async (_, respond) => {
    const key = await newKey('EdDSA', 'k')
    const server = keyServer([key.jwk])
    const verify = verifierOf(server.url, { fetchTimeout: 50 })
    server.state.respond = respond
    const token = await key.sign()
    expect(await outcome(verify, token)).toBe('unavailable')
    server.state.respond = undefined
    expect(await outcome(verify, token)).toBe('alice')
  })

  test('keys that are known stay in use while the server is down', async () => {
    const key = await newKey('EdDSA', 'k')
    const server = keyServer([key.jwk])
    let now = NOW * 1000
    const stale: unknown[] = []
    const verify = verifierOf(server.url, {
      now: () => now,
      onStale: (error: unknown) => stale.push(error),
    })
    expect(await outcome(verify, await key.sign())).toBe('alice')
    await server.stop()
    now += 3_600_000
    const later = { ...GOOD, exp: NOW + 7200 }
    expect(await outcome(verify, await key.sign(later))).toBe('alice')
    expect(await outcome(verify, await key.sign(later, { kid: 'new' }))).toBe('invalid')
    await eventually(() => stale.length > 0, 'the failed refresh is reported')
  })

  test('a server that was never there is unavailable; garbage does not wake it', async () => {
    const verify = verifierOf('http://127.0.0.1:9/jwks')
    expect(await outcome(verify, 'garbage')).toBe('invalid')
    expect(await outcome(verify, hmac(SECRET, { alg: 'HS256' }, GOOD))).toBe('invalid')
    expect(await outcome(verify, await (await newKey('EdDSA', 'k')).sign())).toBe('unavailable')
  })
})

test('with a secret and a key set, each checks its own tokens only', async () => {
  const key = await newKey('EdDSA', 'k')
  const options = { secret: SECRET, jwksUrl: keyServer([key.jwk]).url }
  // The clock is the system's here.
  const verify = tokenVerifier(options)
  const good = { sub: 'alice', exp: Math.floor(Date.now() / 1000) + 60 }
  expect(await outcome(verify, hmac(SECRET, { alg: 'HS256' }, good))).toBe('alice')
  expect(await outcome(verify, await key.sign(good))).toBe('alice')
  expect(await outcome(verify, hmac(await exportSPKI(key.publicKey), { alg: 'HS256' }, good))).toBe(
    'invalid',
  )
  await expect(async () => verify('garbage')).toThrow()
  expect(() => tokenVerifier({})).toThrow()
})
