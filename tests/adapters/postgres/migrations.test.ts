import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import postgres from 'postgres'
import { FUNCTIONS_VERSION } from '../../../src/adapters/postgres/migrate.ts'
import { postgresStorage } from '../../../src/adapters/postgres/storage.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { put } from '../../support/tasks.ts'
import { within } from '../../support/wait.ts'

setDefaultTimeout(30_000)

describe('migrations', () => {
  test('four processes that start at once on an empty database all come up', async () => {
    const url = await freshDatabase()
    const script = `
      const { postgresStorage } = await import('${import.meta.dir}/../../../src/adapters/postgres/storage.ts')
      const failures = []
      const store = postgresStorage('${url}', { onOutage: (error) => failures.push(String(error)) })
      await store.migrated
      await store.tasks.ready()
      await store.close()
      console.log(JSON.stringify(failures))`
    const children = Array.from({ length: 4 }, () =>
      Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'pipe' }),
    )
    for (const child of children) {
      expect(await new Response(child.stderr).text()).toBe('')
      expect(JSON.parse(await new Response(child.stdout).text())).toEqual([])
      expect(await within(child.exited, 'The process did not end.')).toBe(0)
    }
    const sql = postgres(url, { max: 1 })
    const versions = await sql`select version from taskport.migrations order by version`
    expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect([...(await sql`select version from taskport.functions`)]).toEqual([
      { version: FUNCTIONS_VERSION },
    ])
    await sql.end()
  })

  test('what is stored survives the next start', async () => {
    const url = await freshDatabase()
    const first = await openPostgres(url)
    const task = await put(first.tasks, 'alice', 'kept')
    await first.close()
    const second = await openPostgres(url)
    expect((await second.tasks.get('alice', task.id))?.document.value()).toEqual(task)
    await second.close()
  })

  test('a newer schema is refused and left alone', async () => {
    const url = await freshDatabase()
    await (await openPostgres(url)).close()
    const sql = postgres(url, { max: 1 })
    await sql`insert into taskport.migrations (version) values (99)`
    await sql.end()
    const { promise: refused, resolve } = Promise.withResolvers<Error>()
    const store = postgresStorage(url, { onRefusal: resolve })
    expect((await refused).message).toMatch(/schema 99.*newer/s)
    await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
    await store.close()
  })

  test('options of hosted databases that the driver does not know do no harm', async () => {
    const store = await openPostgres(
      `${await freshDatabase()}?sslmode=disable&channel_binding=prefer`,
    )
    await store.tasks.ready()
    await store.close()
  })

  test('functions of a newer program stay, those of an older one are replaced', async () => {
    const url = await freshDatabase()
    await (await openPostgres(url)).close()
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    const bodyOf = async (): Promise<string> => {
      const [row] = await sql`
        select prosrc from pg_proc where oid = 'taskport.return_revisions'::regproc`
      return row?.['prosrc']
    }
    const body = await bodyOf()
    const replaceBy = (version: number) =>
      sql.unsafe(`
        create or replace function taskport.return_revisions(
          p_owner text, p_count bigint, p_added integer, p_bytes bigint)
        returns void language sql as $$ select null::void $$;
        update taskport.functions set version = ${version}`)
    await replaceBy(FUNCTIONS_VERSION + 1)
    await (await openPostgres(url)).close()
    expect(await bodyOf()).not.toBe(body)
    await replaceBy(FUNCTIONS_VERSION - 1)
    await (await openPostgres(url)).close()
    expect(await bodyOf()).toBe(body)
    await sql.end()
  })

  test('a change of the functions needs a new version', async () => {
    const path = join(import.meta.dir, '../../../src/adapters/postgres/functions.sql')
    const digest = Bun.hash(await Bun.file(path).text()).toString(36)
    expect({ version: FUNCTIONS_VERSION, digest }).toEqual({ version: 4, digest: 'autbgvddhuvr' })
  })
})
