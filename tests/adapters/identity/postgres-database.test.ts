import { expect, setDefaultTimeout, test } from 'bun:test'
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Dialect, Kysely, sql } from 'kysely'
import postgres from 'postgres'
import { openPostgres } from '../../../src/adapters/identity/postgres-database.ts'
import { selfSigned } from '../../support/certificate.ts'
import { freshDatabase, privateServer } from '../../support/postgres.ts'
import { silentProxy } from '../../support/proxy.ts'
import { eventually } from '../../support/wait.ts'

setDefaultTimeout(60_000)

const POOL_SIZE = 4

const open = (url: string) => {
  const { database, exclusively, close } = openPostgres(url)
  const db = new Kysely<unknown>({ dialect: (database as { dialect: Dialect }).dialect })
  const select = () =>
    sql<{ pid: number }>`select pg_backend_pid() as pid, pg_sleep(0.2)`.execute(db)
  const all = () => Promise.allSettled(Array.from({ length: POOL_SIZE }, select))
  return { db, select, all, exclusively, close }
}

test('a connection that is closed between the statements of a transaction', async () => {
  const url = await freshDatabase()
  const { db, select, close } = open(url)
  const transaction = db.transaction().execute(async (inside) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(inside)
    const other = postgres(url, { max: 1 })
    await other`select pg_terminate_backend(${rows[0]?.pid ?? 0}, 5000)`.finally(() => other.end())
    // There is no event for the arrival of the connection's end.
    await Bun.sleep(50)
    await sql`select 1`.execute(inside)
  })
  await expect(transaction).rejects.toMatchObject({ kind: 'unavailable' })
  expect((await select()).rows).toHaveLength(1)
  await close()
})

test('connections that never respond again are replaced', async () => {
  const proxy = silentProxy(await freshDatabase())
  const { select, all, exclusively, close } = open(proxy.url)
  await exclusively(async () => {})
  const pids = (await all()).map(
    (result) => result.status === 'fulfilled' && result.value.rows[0]?.pid,
  )
  expect(new Set(pids).size).toBe(POOL_SIZE)

  proxy.swallow()
  const failed = await all()
  for (const result of failed) {
    expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } })
  }
  proxy.passAgain()
  const again = await all()
  expect(again.map(({ status }) => status)).toEqual(Array(POOL_SIZE).fill('fulfilled'))
  expect((await select()).rows).toHaveLength(1)
  await close()
  proxy.close()
})

test.each(['prefer', 'disable'])('sslmode=%s with a server without TLS', async (mode) => {
  const { exclusively, select, close } = open(
    `${await freshDatabase()}?sslmode=${mode}&channel_binding=prefer`,
  )
  await eventually(() => exclusively(async () => {}).then(() => true), 'the schema')
  expect((await select()).rows).toHaveLength(1)
  await close()
})

test('sslmode=require with a server without TLS', async () => {
  const { exclusively, select, close } = open(`${await freshDatabase()}?sslmode=require`)
  await expect(exclusively(async () => {})).rejects.toThrow('does not support SSL')
  await expect(select()).rejects.toMatchObject({ kind: 'unavailable' })
  await close()
})

test('sslmode with a server that has a certificate nobody signed', async () => {
  const server = await privateServer()
  const data = join(server.folder, 'data')
  const { uid, gid } = statSync(data)
  for (const [name, text] of Object.entries(await selfSigned('localhost'))) {
    const file = join(data, name === 'key' ? 'server.key' : 'server.crt')
    writeFileSync(file, text, { mode: 0o600 })
    chownSync(file, uid, gid)
  }
  const admin = postgres(server.url, { max: 1 })
  await admin`alter system set ssl = on`
  await admin`select pg_reload_conf()`
  await eventually(async () => (await admin`show ssl`)[0]?.['ssl'] === 'on', 'TLS')
  await admin.end()

  const encrypted = async (mode: string): Promise<boolean | undefined> => {
    const { db, close } = open(`${server.url}?sslmode=${mode}`)
    const text = sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
    const { rows } = await text.execute(db).finally(close)
    return rows[0]?.ssl
  }
  expect(await encrypted('require')).toBe(true)
  expect(await encrypted('prefer')).toBe(true)
  expect(await encrypted('disable')).toBe(false)
  await expect(encrypted('verify-full')).rejects.toMatchObject({ kind: 'unavailable' })
  await server.close()
})
