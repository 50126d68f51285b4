import { afterEach, beforeEach, describe, expect, setSystemTime, spyOn, test } from 'bun:test'
import { type FailedAttempt, limitAttempts } from '../../../src/adapters/identity/attempts.ts'
import { counter } from '../../../src/adapters/identity/counter.ts'
import { BOUND, LIMITS } from '../../../src/adapters/identity/limits.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import { within } from '../../support/wait.ts'

const START = Date.parse('2026-01-01T00:00:00Z')

beforeEach(() => void setSystemTime(START))
afterEach(() => void setSystemTime())

const later = (milliseconds: number): void => void setSystemTime(Date.now() + milliseconds)

const RIGHT = 'right'

const MAILED = 'mailed@example.com'

/** A provider with one password for all; `down` makes it fail. */
const provider = (options: { mails?: boolean } = {}) => {
  const state = { down: false, failed: [] as FailedAttempt[], hold: Promise.resolve() }
  const respond = async (request: Request): Promise<Response> => {
    if (state.down) throw new DomainError('unavailable', 'down')
    if (request.method === 'GET' || request.url.endsWith('/sign-out')) return new Response()
    await state.hold
    const { password } = (await request.json()) as { password: string }
    if (password === RIGHT) return new Response()
    const status = request.url.includes('/sign-in') ? 401 : 400
    return Response.json({ code: 'INVALID_PASSWORD' }, { status })
  }
  const limited = limitAttempts(respond, {
    secret: 'a secret of the identity provider, 32 bytes',
    emailOf: async (request) => ((await request.clone().json()) as { email?: string }).email,
    onFailedAttempt: (attempt) => void state.failed.push(attempt),
    ...options,
  })
  const send = (path: string, peer: string, body?: object): Promise<Response> =>
    refusable(
      limited(
        new Request(`http://localhost/api/auth${path}`, {
          method: body ? 'POST' : 'GET',
          body: body ? JSON.stringify(body) : null,
        }),
        peer,
      ),
    )
  const signIn = async (
    peer: string,
    email = `${crypto.randomUUID()}@example.com`,
    password = 'wrong',
  ): Promise<number> => (await send('/sign-in/email', peer, { email, password })).status
  return { state, send, signIn }
}

const refusable = (response: Promise<Response>): Promise<Response> =>
  response.catch((error) => {
    if (!(error instanceof DomainError) || error.kind !== 'too-many-requests') throw error
    return new Response(null, { status: 429, headers: { wait: `${error.retryAfter}` } })
  })

const repeat = async <T>(times: number, step: (n: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = []
  for (let n = 0; n < times; n++) results.push(await step(n))
  return results
}

const count = (statuses: number[], status: number): number =>
  statuses.filter((other) => other === status).length

describe('by network', () => {
  test.each([
    ['an IPv4 address', '203.0.113.7', '203.0.113.7', '203.0.113.8'],
    ['an IPv6 /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff::2', '2001:db8:1:3::1'],
    ['an unknown address', '', '', '203.0.113.8'],
  ])('%s has 10 sign-ins a minute', async (_, one, same, other) => {
    const { signIn, send } = provider()
    const statuses = await repeat(12, (n) => signIn(n % 2 ? one : same))
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    expect(await signIn(other)).toBe(401)
    const refused = await send('/sign-in/email/', one, { email: 'x@example.com', password: 'x' })
    expect([refused.status, refused.headers.get('wait')]).toEqual([429, '60000'])
    later(60_000)
    expect(await signIn(one)).toBe(401)
  })

  test('an IPv6 /48 has 30 sign-ins a minute, of which a refused /64 takes none', async () => {
    const { signIn } = provider()
    expect(count(await repeat(60, () => signIn('2001:db8:1::1')), 401)).toBe(10)
    const statuses = await repeat(40, (n) => signIn(`2001:db8:1:${(n + 1).toString(16)}::1`))
    expect(statuses).toEqual([...Array(20).fill(401), ...Array(20).fill(429)])
    expect(await signIn('2001:db8:2::1')).toBe(401)
    expect(await signIn('203.0.113.7')).toBe(401)
  })

  test('other requests have their own limit, and sign-out is one of them', async () => {
    const { send, signIn } = provider()
    const statuses = async (path: string, body?: object): Promise<number[]> =>
      (await repeat(101, () => send(path, '203.0.113.7', body))).map(({ status }) => status)
    for (const result of [await statuses('/token'), await statuses('/sign-out', {})]) {
      expect(result).toEqual([...Array(100).fill(200), 429])
    }
    expect(await signIn('203.0.113.7')).toBe(401)
    later(10_000)
    expect((await send('/token', '203.0.113.7')).status).toBe(200)
  })

  test('the memory is bounded: the longest unused are forgotten', () => {
    const limit = counter({ max: 1, window: 60_000 })
    limit.add('first')
    for (let n = 1; n < BOUND.maxSize; n++) limit.add(`${n}`)
    expect(limit.wait('first')).toBe(60_000)
    limit.add('one more')
    limit.add('and another')
    expect(limit.wait('first')).toBe(60_000)
    expect(limit.wait('1')).toBe(0)
  })
})

describe('by account', () => {
  const ADA = 'ada@example.com'

  test('a sign-in where the account was signed in before does not wait for a flood', async () => {
    const { state, signIn } = provider()
    expect(await signIn('203.0.113.7', ADA, RIGHT)).toBe(200)
    const { promise, resolve } = Promise.withResolvers<void>()
    state.hold = promise
    const flood = Array.from({ length: 18 }, (_, n) => signIn(`198.51.100.${n}`))
    await expect(within(flood[17] as Promise<number>, 'the refusal')).rejects.toThrow(/waiting/)
    const order: string[] = []
    const first = flood[1]?.then(() => order.push('flood'))
    const known = signIn('203.0.113.7', ADA, RIGHT).then(() => order.push('known'))
    resolve()
    await within(Promise.all([first, known]), 'both')
    expect(order).toEqual(['known', 'flood'])
    await Promise.all(flood.slice(0, 17))
  })

  test('a network has 10 wrong passwords in 15 minutes, whatever the case of the address', async () => {
    const { signIn } = provider()
    const statuses = await repeat(20, (n) => {
      later(60_000)
      return signIn('203.0.113.7', n % 2 ? ADA : ADA.toUpperCase())
    })
    expect(statuses.slice(0, 16)).toEqual([...Array(10).fill(401), ...Array(5).fill(429), 401])
    expect(await signIn('203.0.113.8', ADA)).toBe(401)
    expect(await signIn('203.0.113.7', 'bob@example.com')).toBe(401)
  })

  test('attempts at the same time are limited too', async () => {
    const { signIn } = provider()
    const nine = await repeat(9, () => signIn('203.0.113.7', ADA))
    expect(nine).toEqual(Array(9).fill(401))
    later(60_000)
    const statuses = await Promise.all(Array.from({ length: 5 }, () => signIn('203.0.113.7', ADA)))
    expect(statuses.sort()).toEqual([401, 429, 429, 429, 429])
  })

  test('all networks together have 50, but not in a network known to the account', async () => {
    const { signIn, send } = provider()
    expect(await signIn('198.51.100.1', ADA, RIGHT)).toBe(200)
    const attack = await repeat(60, (n) => signIn(`203.0.113.${n}`, ADA))
    expect(attack).toEqual([...Array(50).fill(401), ...Array(10).fill(429)])
    expect(await signIn('198.51.100.2', ADA, RIGHT)).toBe(429)
    expect(await signIn('198.51.100.1', ADA, RIGHT)).toBe(200)
    await send('/sign-up/email', '198.51.100.3', { email: 'bob@example.com', password: RIGHT })
    await repeat(60, (n) => signIn(`203.0.112.${n}`, 'bob@example.com'))
    expect(await signIn('198.51.100.3', 'bob@example.com', RIGHT)).toBe(200)
    later(15 * 60_000)
    expect(await signIn('198.51.100.2', ADA, RIGHT)).toBe(200)
  })

  test('a right password does not count, and forgets the wrong ones before it', async () => {
    const { signIn } = provider()
    for (let round = 0; round < 3; round++) {
      later(60_000)
      expect(await repeat(9, () => signIn('203.0.113.7', ADA))).toEqual(Array(9).fill(401))
      expect(await signIn('203.0.113.7', ADA, RIGHT)).toBe(200)
    }
  })

  test('an attempt during an outage does not count', async () => {
    const { signIn, state } = provider()
    state.down = true
    for (let n = 0; n < 12; n++) {
      later(10_000)
      await expect(signIn('203.0.113.7', ADA)).rejects.toThrow('down')
    }
    state.down = false
    later(60_000)
    expect(await repeat(10, () => signIn('203.0.113.7', ADA))).toEqual(Array(10).fill(401))
    expect(state.failed).toHaveLength(10)
  })

  test('attempts during an outage do not count for their network either', async () => {
    const { signIn, state } = provider()
    state.down = true
    for (let n = 0; n < 40; n++) {
      await expect(signIn('2001:db8::1')).rejects.toThrow('down')
    }
    state.down = false
    expect(await repeat(10, () => signIn('2001:db8::1'))).toEqual(Array(10).fill(401))
    expect(await signIn('2001:db8::1')).toBe(429)
  })

  test.each(['/delete-user', '/change-password', '/change-email'])(
    '%s has the same limit, and sign-up none',
    async (path) => {
      const { send, signIn, state } = provider()
      const wrong = { email: ADA, password: 'wrong' }
      const attempt = async (path: string, peer: string): Promise<number> => {
        later(6000)
        return (await send(path, peer, wrong)).status
      }
      expect(await repeat(11, () => attempt('/sign-up/email', '203.0.113.7'))).not.toContain(429)
      expect(state.failed).toEqual([])
      const statuses = await repeat(11, () => attempt(path, '203.0.113.7'))
      expect(statuses).toEqual([...Array(10).fill(400), 429])
      expect(await signIn('203.0.113.7', ADA, RIGHT)).toBe(429)
    },
  )
})

describe('what may send mail', () => {
  const MAILS = [
    '/sign-up/email',
    '/request-password-reset',
    '/send-verification-email',
    '/change-email',
  ]

  test.each(MAILS)(
    '%s is limited by the recipient, and takes a fixed time at least',
    async (path) => {
      const sleep = spyOn(Bun, 'sleep').mockImplementation(() => Promise.resolve())
      const { send } = provider({ mails: true })
      const body = { [path === '/change-email' ? 'newEmail' : 'email']: MAILED, password: RIGHT }
      const statuses = await repeat(
        6,
        async (n) => (await send(path, `203.0.113.${n}`, body)).status,
      )
      expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
      expect(sleep.mock.calls).toEqual(Array(5).fill([LIMITS.mailFloor]))
      sleep.mockRestore()
    },
  )

  test('a request for mail does not wait among password hashes, and makes no network known', async () => {
    const sleep = spyOn(Bun, 'sleep').mockImplementation(() => Promise.resolve())
    const { send, signIn } = provider({ mails: true })
    const peers = Array.from({ length: 60 }, (_, n) => `203.0.113.${n}`)
    for (const peer of peers.slice(0, 50)) await signIn(peer, MAILED)
    const body = { email: MAILED, password: RIGHT }
    expect((await send('/request-password-reset', '198.51.100.1', body)).status).toBe(200)
    expect((await send('/sign-up/email', '198.51.100.1', body)).status).toBe(200)
    expect(await signIn('198.51.100.1', MAILED, RIGHT)).toBe(429)
    sleep.mockRestore()
  })
})
