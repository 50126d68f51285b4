import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { openPool } from '../../../src/adapters/pg/pool.ts'
import { selfSigned } from '../../support/certificate.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { jobOf, openQueue } from '../../support/jobs.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase, type PostgresServer, privateServer } from '../../support/postgres.ts'
import { put } from '../../support/tasks.ts'

setDefaultTimeout(30_000)

const ACCESS = [
  'hostnossl all only_tls all reject',
  'hostssl all only_plain all reject',
  'host all secured all scram-sha-256',
  'host all old all password',
]

let secure: PostgresServer
let plain: string
let folder: string

const query = async (url: string, text: string) => {
  const pool = openPool(url, { name: 'test', size: 1, connectionDeadline: 5000 })
  try {
    return (await pool.query(text)).rows
  } finally {
    await pool.end()
  }
}

beforeAll(async () => {
  folder = temporaryFolder()
  const [own, other] = await Promise.all([selfSigned('localhost'), selfSigned('localhost')])
  await Bun.write(join(folder, 'own.pem'), own.cert)
  await Bun.write(join(folder, 'other.pem'), other.cert)
  secure = await privateServer({}, { tls: own, access: ACCESS })
  plain = await freshDatabase()
  await query(
    secure.url,
    "create role only_tls login; create role only_plain login; create role secured login password 'secret'; " +
      "create role old login password 'secret'",
  )
})
afterAll(() => secure?.close())

const urlOf = (base: string, options: string, user = 'postgres', password = ''): string => {
  const url = new URL(base)
  url.username = user
  url.password = password
  return `${url}?${options.replaceAll('~', folder)}`
}

/** The name in the certificate. */
const byName = (url: string): string => url.replace('127.0.0.1', 'localhost')

const encrypted = async (url: string): Promise<boolean> => {
  const [row] = await query(url, 'select ssl from pg_stat_ssl where pid = pg_backend_pid()')
  return row.ssl
}

describe('sslmode, at a server with TLS', () => {
  test.each([
    ['', false],
    ['sslmode=disable', false],
    ['sslmode=allow', false],
    ['sslmode=prefer', true],
    ['sslmode=require', true],
    ['sslmode=require&sslrootcert=~/own.pem', true],
    ['sslmode=verify-ca&sslrootcert=~/own.pem', true],
  ])('%s', async (options, expected) => {
    expect(await encrypted(urlOf(secure.url, options))).toBe(expected)
  })

  test('verify-full takes a certificate of the name it asked for', async () => {
    const options = 'sslmode=verify-full&sslrootcert=~/own.pem'
    expect(await encrypted(urlOf(byName(secure.url), options))).toBe(true)
    await expect(encrypted(urlOf(secure.url, options))).rejects.toThrow(/IP|altname|Hostname/i)
  })

  test.each([
    'sslmode=require&sslrootcert=~/other.pem',
    'sslmode=verify-ca&sslrootcert=~/other.pem',
    'sslmode=verify-full&sslrootcert=~/other.pem',
    'sslmode=verify-full',
    'sslrootcert=system',
  ])('%s refuses a certificate of someone else', async (options) => {
    await expect(encrypted(urlOf(byName(secure.url), options))).rejects.toThrow(
      /certificate|signed/,
    )
  })

  test('prefer and allow take what the server grants this user', async () => {
    expect(await encrypted(urlOf(secure.url, 'sslmode=allow', 'only_tls'))).toBe(true)
    expect(await encrypted(urlOf(secure.url, 'sslmode=prefer', 'only_plain'))).toBe(false)
  })
})

describe('channel_binding=require', () => {
  const OPTIONS = 'sslmode=require&channel_binding=require'

  test('logs in with it', async () => {
    expect(await encrypted(urlOf(secure.url, OPTIONS, 'secured', 'secret'))).toBe(true)
  })

  test.each(['postgres', 'old'])('refuses a server that lets in %s without', async (user) => {
    const url = urlOf(secure.url, OPTIONS, user, 'wrong')
    await expect(encrypted(url)).rejects.toThrow('SCRAM-SHA-256-PLUS')
  })
})

describe('at a server without TLS', () => {
  test('prefer does without, require does not', async () => {
    expect(await encrypted(`${plain}?sslmode=prefer`)).toBe(false)
    await expect(encrypted(`${plain}?sslmode=require`)).rejects.toThrow('SSL')
  })

  test('prefer serves tasks and jobs', async () => {
    const url = `${plain}?sslmode=prefer`
    const { tasks, close } = await openPostgres(url)
    expect(await put(tasks, 'alice', 'a')).toMatchObject({ title: 'a' })
    await close()
    const queue = await openQueue(url)
    const { promise: run, resolve } = Promise.withResolvers<void>()
    queue.work(async () => resolve())
    await queue.enqueue([jobOf('a')])
    await run
    await queue.stop()
  })
})
