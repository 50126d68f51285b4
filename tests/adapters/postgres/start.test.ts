import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { postgresStorage } from '../../../src/adapters/postgres/storage.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase, privateServer } from '../../support/postgres.ts'
import { killServers, SHARED, startServer } from '../../support/server.ts'
import { eventually, within } from '../../support/wait.ts'

setDefaultTimeout(60_000)

afterAll(killServers)

const MIGRATIONS = join(import.meta.dir, '../../../src/adapters/postgres/migrations')

test('an applied migration that differs is refused; missing digests are recorded', async () => {
  const url = await freshDatabase()
  await (await openPostgres(url)).close()
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const digests = () => sql`select version, digest from taskport.migrations order by version`
  const recorded = [...(await digests())]
  expect(recorded.filter(({ digest }) => /^[0-9a-f]{64}$/.test(digest))).toHaveLength(
    readdirSync(MIGRATIONS).length,
  )
  for (const statement of [
    'update taskport.migrations set digest = null where version > 3',
    'alter table taskport.migrations drop column digest',
  ]) {
    await sql.unsafe(statement)
    await (await openPostgres(url)).close()
    expect([...(await digests())]).toEqual(recorded)
  }

  await sql`update taskport.migrations set digest = 'other' where version = 6`
  const { promise: refused, resolve } = Promise.withResolvers<Error>()
  const store = postgresStorage(url, { onRefusal: resolve })
  expect((await within(refused, 'It is not refused.')).message).toMatch(
    /Migration 6 .*unreleased.*backup/,
  )
  await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
  await store.close()
  await sql.end()
})

test('settings that put acknowledged writes at risk are named, each with what is lost', async () => {
  const warningsOf = async (url: string): Promise<string[]> => {
    const warnings: string[] = []
    const store = postgresStorage(url, { onWarning: (message) => warnings.push(message) })
    await within(store.migrated, 'The database is not reached.', 30_000)
    await store.close()
    return warnings.sort()
  }
  const server = await privateServer({ fsync: 'on' })
  const full = expect.stringMatching(/full_page_writes = off: .*damage.*Set it to on/)
  expect(await warningsOf(server.url)).toEqual([full])
  const sql = postgres(server.url, { max: 1, onnotice: () => {} })
  await sql`alter database postgres set synchronous_commit = off`
  await sql.end()
  expect(await warningsOf(server.url)).toEqual([
    full,
    expect.stringMatching(/synchronous_commit = off: .*lose the last acknowledged writes/),
  ])

  const taskport = await startServer(temporaryFolder(), { ...SHARED, DATABASE_URL: server.url })
  await eventually(
    () => taskport.lines.filter(({ level }) => level === 'warn').length === 2,
    () => `2 warnings, not ${JSON.stringify(taskport.lines)}`,
    30_000,
  )
  taskport.signal('SIGTERM')
  expect(await taskport.exited).toBe(0)
  await server.close()
})
