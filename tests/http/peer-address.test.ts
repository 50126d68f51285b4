import { expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { openHttp } from '../support/http.ts'

/** The peer of a request that came from `address` with this header. */
const peerOf = async (
  forwarded: string | undefined,
  address = '198.51.100.1',
  trustProxy: string | undefined = 'X-Forwarded-For',
): Promise<string | undefined> => {
  let seen: string | undefined
  const { handle } = openHttp(memoryStorage().tasks, {
    ...(trustProxy && { trustProxy }),
    accounts: {
      handle: async (_, peer) => {
        seen = peer
        return Response.json({})
      },
      ready: async () => {},
    },
  })
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  await handle(new Request('http://localhost/api/auth/token', { headers }), () => address)
  return seen
}

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:51234', '203.0.113.7'],
  [' 192.0.2.1, 203.0.113.7:51234 ', '203.0.113.7'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['[::ffff:cb00:7107]:443', '203.0.113.7'],
])('%j in the header of the proxy is %s', async (header, peer) => {
  expect(await peerOf(header)).toBe(peer)
})

test.each([
  undefined,
  '',
  'unknown',
  '203.0.113.7, ',
  '203.0.113',
  '1',
  '0x7f.1',
  '203.0.113.7:',
  '203.0.113.7:x',
  '203.0.113.256:80',
  '[203.0.113.7]:80x',
  '[2001:db8::1',
  '2001:db8::g',
  'example.com:80',
  '<script>',
])('%j in the header leaves the address of the proxy', async (header) => {
  expect(await peerOf(header)).toBe('198.51.100.1')
})

test('the address of the connection has one form as well, and the header needs trust', async () => {
  expect(await peerOf(undefined, '::ffff:198.51.100.1')).toBe('198.51.100.1')
  expect(await peerOf('203.0.113.7', '2001:DB8::1', '')).toBe('2001:db8::1')
  expect(await peerOf('203.0.113.7', '', '')).toBe('')
})
