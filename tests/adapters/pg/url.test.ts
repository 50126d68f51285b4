import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { parseDatabaseUrl } from '../../../src/adapters/pg/url.ts'
import { temporaryFolder } from '../../support/folder.ts'

const DEFAULTS = { channelBinding: false, writable: false, pooler: false }
const LOCAL = { host: 'db', ssl: false } as const
const ENCRYPTED = { host: 'db', ssl: { rejectUnauthorized: false } } as const
const VERIFIED = { host: 'db', ssl: { rejectUnauthorized: true } } as const

test.each([
  ['postgres://db', {}],
  ['postgresql://db/', {}],
  ['postgres://db/tasks', { database: 'tasks' }],
  ['postgres://ada:p%40ss%3Aw@db/t%20t', { user: 'ada', password: 'p@ss:w', database: 't t' }],
  ['postgres://a@b@db', { user: 'a@b' }],
  ['postgres://ada:p:w@db', { user: 'ada', password: 'p:w' }],
  ['postgres://db:6543', { addresses: [{ ...LOCAL, port: 6543 }] }],
  ['postgres://[::1]:6543', { addresses: [{ ...LOCAL, host: '::1', port: 6543 }] }],
  ['postgres:///tasks', { addresses: [{ ssl: false }], database: 'tasks' }],
  ['postgres://%2Frun%2Fpg/x', { addresses: [{ host: '/run/pg', ssl: false }], database: 'x' }],
  ['postgres:///x?host=/run/pg', { addresses: [{ host: '/run/pg', ssl: false }], database: 'x' }],
  ['postgres://db?port=6543', { addresses: [{ ...LOCAL, port: 6543 }] }],
  ['postgres://db?sslmode=disable', {}],
  ['postgres://db?sslmode=allow', { addresses: [LOCAL, ENCRYPTED] }],
  ['postgres://db?sslmode=prefer', { addresses: [ENCRYPTED, LOCAL] }],
  ['postgres://db?sslmode=require', { addresses: [ENCRYPTED] }],
  ['postgres://db?sslmode=verify-full', { addresses: [VERIFIED] }],
  ['postgres://db?sslrootcert=system', { addresses: [VERIFIED] }],
  [
    'postgres://db?sslmode=require&channel_binding=require',
    { addresses: [ENCRYPTED], channelBinding: true },
  ],
  ['postgres://db?channel_binding=prefer', {}],
  ['postgres://db?pgbouncer=true', { pooler: true }],
  ['postgres://db?pgbouncer=false', {}],
  ['postgres://db?connect_timeout=3', { connectTimeout: 3000 }],
  ['postgres://db?application_name=my+app', { application_name: 'my+app' }],
  ['postgres://db?options=-c%20geqo%3Doff', { options: '-c geqo=off' }],
  ['postgres://db?target_session_attrs=any', {}],
  ['postgres://db?target_session_attrs=primary', { writable: true }],
  [
    'postgres://a:1,b:2/x?sslmode=prefer',
    {
      addresses: [
        { ...ENCRYPTED, host: 'a', port: 1 },
        { ...LOCAL, host: 'a', port: 1 },
        { ...ENCRYPTED, host: 'b', port: 2 },
        { ...LOCAL, host: 'b', port: 2 },
      ],
      database: 'x',
      writable: true,
    },
  ],
  ['postgres://a,db?target_session_attrs=any', { addresses: [{ ...LOCAL, host: 'a' }, LOCAL] }],
])('%s', (url, expected) => {
  expect(parseDatabaseUrl(url)).toEqual({
    ...DEFAULTS,
    addresses: [LOCAL],
    ...(expected as object),
  })
})

test('certificates are read', async () => {
  const path = (name: string): string => join(folder, name)
  const folder = temporaryFolder()
  await Promise.all(['root', 'cert', 'key'].map((name) => Bun.write(path(name), `the ${name}`)))
  const own = `sslcert=${path('cert')}&sslkey=${path('key')}`
  const { addresses } = parseDatabaseUrl(
    `postgres://db?sslmode=verify-full&sslrootcert=${path('root')}&${own}`,
  )
  const files = { ca: 'the root', cert: 'the cert', key: 'the key' }
  expect(addresses).toEqual([{ host: 'db', ssl: { ...files, rejectUnauthorized: true } }])
})

test.each([
  ['postgres://', 'must be postgres://'],
  ['mysql://db', 'must be postgres://'],
  ['postgres://db/x#y', 'must be postgres://'],
  ['postgres://a%zz@db', '%25'],
  ['postgres://db:x', 'host'],
  ['postgres://db:99999', 'port'],
  ['postgres://db?connection_limit=1', 'connection_limit'],
  ['postgres://db?SSLMODE=require', 'SSLMODE'],
  ['postgres://db?sslmode=verify', 'disable, allow, prefer, require, verify-ca, verify-full'],
  ['postgres://db?sslmode=require&sslmode=disable', 'twice'],
  ['postgres://db?sslmode=verify-ca', 'sslrootcert'],
  ['postgres://db?sslmode=prefer&sslrootcert=/x', 'sslmode=verify-full'],
  ['postgres://db?sslmode=require&sslrootcert=system', 'sslmode=verify-full'],
  ['postgres://db?sslmode=verify-full&sslrootcert=/no/such/file', 'sslrootcert'],
  ['postgres://db?sslmode=require&sslcert=/x', 'sslkey'],
  ['postgres://db?sslcert=/x&sslkey=/y', 'sslmode'],
  ['postgres://db?channel_binding=require', 'sslmode=require'],
  ['postgres://db?channel_binding=yes', 'channel_binding'],
  ['postgres://db?pgbouncer=1', 'pgbouncer'],
  ['postgres://db?connect_timeout=0', 'connect_timeout'],
  ['postgres://db?target_session_attrs=standby', 'target_session_attrs'],
])('%s is refused, and the message says why', (url, word) => {
  expect(() => parseDatabaseUrl(url)).toThrow(word)
})

test('a message never has the password', () => {
  for (const rest of ['db?x=1', 'db:x', 'db#', '%zz']) {
    try {
      parseDatabaseUrl(`postgres://ada:hidden@${rest}`)
      throw new Error('It was not refused.')
    } catch (error) {
      expect(String(error)).not.toContain('hidden')
      expect(String(error)).not.toContain('not refused')
    }
  }
})
