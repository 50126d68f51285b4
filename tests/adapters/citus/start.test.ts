import { expect, setDefaultTimeout, test } from 'bun:test'
import { postgresStorage } from '../../../src/adapters/postgres/storage.ts'
import { taskQuery } from '../../../src/domain/task-query.ts'
import { describeOnAnyCitus, freshCitusDatabase } from '../../support/citus.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { administer, freshDatabase } from '../../support/postgres.ts'
import { enter, startServer } from '../../support/server.ts'
import { put, remove, titlesOf, WHOLE } from '../../support/tasks.ts'
import { eventually, within } from '../../support/wait.ts'
import { webhookOf } from '../../support/webhooks.ts'

setDefaultTimeout(60_000)

const refusalOf = async (url: string, sharding: 'none' | 'citus'): Promise<string> => {
  const { promise: refused, resolve } = Promise.withResolvers<Error>()
  const store = postgresStorage(url, { sharding, onRefusal: resolve })
  const { message } = await within(refused, 'It is not refused.', 30_000)
  await expect(store.tasks.ready()).rejects.toMatchObject({ kind: 'unavailable' })
  await store.close()
  return message
}

test('a database without Citus is refused, with what to do', async () => {
  expect(await refusalOf(await freshDatabase(), 'citus')).toMatch(
    /no Citus.*shared_preload_libraries.*create extension citus/,
  )
})

describeOnAnyCitus('with Citus', () => {
  test('distributed tables are refused without DATABASE_SHARDING', async () => {
    const url = await freshCitusDatabase()
    await (await openPostgres(url, { sharding: 'citus' })).close()
    expect(await refusalOf(url, 'none')).toMatch(/distributed.*DATABASE_SHARDING=citus/)
  })

  test('a server signs users up there and serves them', async () => {
    const server = await startServer(temporaryFolder(), {
      DATABASE_URL: await freshCitusDatabase(),
      DATABASE_SHARDING: 'citus',
      AUTH_SECRET: 'a secret of at least thirty-two bytes',
    })
    await eventually(
      async () => (await fetch(`${server.url}/health/ready`)).ok,
      () => `The server is not ready: ${JSON.stringify(server.lines)}`,
      30_000,
    )
    const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ title: 'first' })
    const url = `${server.url}/api/tasks`
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(201)
    expect(await (await fetch(url, { headers })).json()).toMatchObject([{ title: 'first' }])
    server.signal('SIGTERM')
    expect(await server.exited).toBe(0)
  })

  test('functions of a new version are replaced on every node, and delegated', async () => {
    const url = await freshCitusDatabase()
    await (await openPostgres(url, { sharding: 'citus' })).close()
    const functions = await functionsOf(url)
    expect(functions).toHaveLength(3)
    expect(new Set(functions).size).toBe(1)
    expect(functions[0]).not.toContain('null')
    await administer(url, (sql) =>
      sql.unsafe(`
        create or replace function taskport.wake_webhooks(p_owner text, p_at text)
        returns boolean language sql as $$ select false $$;
        drop function taskport.has_record(text, text);
        update taskport.functions set version = version - 1`),
    )
    expect(await functionsOf(url)).not.toEqual(functions)
    await (await openPostgres(url, { sharding: 'citus' })).close()
    expect(await functionsOf(url)).toEqual(functions)
  })

  test('settings of a worker that put acknowledged writes at risk are named', async () => {
    const url = await freshCitusDatabase()
    const name = new URL(url).pathname.slice(1)
    await administer(
      url,
      (sql) => sql`
        select run_command_on_workers(${`alter database ${name} set synchronous_commit = off`}::text)`,
    )
    const warnings: string[] = []
    const onWarning = (text: string) => void warnings.push(text)
    await (await openPostgres(url, { sharding: 'citus', onWarning })).close()
    expect(warnings.filter((text) => text.includes('synchronous_commit'))).toHaveLength(1)
  })

  test('an existing database is moved in place, and the next starts move nothing', async () => {
    const url = await freshCitusDatabase()
    const plain = await openPostgres(url)
    const owners = Array.from({ length: 40 }, (_, n) => `owner-${n}`)
    const before = new Map<string, unknown>()
    const webhook = webhookOf('owner-7')
    await plain.webhooks.create(webhook, 5)
    for (const owner of owners) {
      await put(plain.tasks, owner, { title: 'kept', due_date: '2026-02-10' })
      await remove(plain.tasks, await put(plain.tasks, owner, 'removed'))
      before.set(owner, await stateOf(plain.tasks, owner))
    }
    await plain.close()

    for (let start = 0; start < 2; start++) {
      const { tasks, webhooks, close } = await openPostgres(url, { sharding: 'citus' })
      for (const owner of owners) expect(await stateOf(tasks, owner)).toEqual(before.get(owner))
      expect(await webhooks.get('owner-7', webhook.id)).toMatchObject({ id: webhook.id })
      await close()
    }
    await administer(url, async (sql) => {
      const nodes = await sql`
        select distinct nodeport from citus_shards where table_name = 'taskport.tasks'::regclass`
      expect(nodes).toHaveLength(2)
      const [local] = await sql`select pg_relation_size('taskport.tasks') as size`
      expect(local).toEqual({ size: '0' })
      const shards = await sql`
        select result from run_command_on_shards('taskport.tasks', 'select reloptions::text || (
          select count(*) from pg_index where indrelid = c.oid) from pg_class as c
          where c.oid = ''%s''::regclass') limit 1`
      expect(shards[0]).toEqual({ result: '{fillfactor=85}4' })
    })

    const { tasks, close } = await openPostgres(url, { sharding: 'citus' })
    await put(tasks, 'owner-7', 'new')
    expect(await titlesOf(tasks, 'owner-7')).toEqual(['kept', 'new'])
    await close()
  })
})

/** On every node: what the functions about one owner are, and whether calls of them are delegated. */
const functionsOf = async (url: string): Promise<string[]> => {
  const found: string[] = []
  await administer(url, async (sql) => {
    const nodes = await sql<{ result: string }[]>`
      select result from run_command_on_all_nodes('
        select json_agg(array[proname, md5(prosrc), distribution_argument_index::text] order by proname)
        from pg_proc left join pg_dist_object on classid = ''pg_proc''::regclass and objid = oid
        where pronamespace = ''taskport''::regnamespace and proargnames[1] = ''p_owner''')`
    found.push(...nodes.map(({ result }) => result))
  })
  return found
}

const stateOf = async (
  tasks: Awaited<ReturnType<typeof openPostgres>>['tasks'],
  owner: string,
): Promise<unknown> => {
  const list = await tasks.list(owner, taskQuery(), WHOLE)
  const { changes, ...feed } = await tasks.changes(owner, 0, 0, 100)
  return [list.tasks.value(), list.version, changes.value(), feed]
}
