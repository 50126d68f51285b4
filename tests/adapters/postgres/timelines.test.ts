import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { listChanges } from '../../../src/application/changes/list-changes.ts'
import type { FeedPosition } from '../../../src/domain/change.ts'
import { taskQuery } from '../../../src/domain/task-query.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { put, WHOLE } from '../../support/tasks.ts'

setDefaultTimeout(30_000)

const TABLES = ['users', 'tasks', 'changes']

describe('a timeline', () => {
  const at = async (url: string, titles: string[]): Promise<FeedPosition> => {
    const store = await openPostgres(url)
    for (const title of titles) await put(store.tasks, 'alice', title)
    const { position } = await listChanges(store)('alice', null, 100)
    await store.close()
    return position
  }
  const restored = async (url: string, shared: FeedPosition, lost: FeedPosition) => {
    await at(url, ['other 4', 'other 5', 'other 6'])
    const store = await openPostgres(url)
    const since = listChanges(store)
    await expect(since('alice', lost, 100)).rejects.toMatchObject({ kind: 'gone' })
    expect((await since('alice', shared, 100)).changes.value()).toHaveLength(3)
    await store.close()
  }

  test('is another one in a copy of the database, and the same before the copy', async () => {
    const url = await freshDatabase()
    const shared = await at(url, ['1', '2', '3'])
    const copy = new URL(await freshDatabase())
    const sql = postgres(url.replace(/[^/]*$/, 'postgres'), { max: 1, onnotice: () => {} })
    const [from, to] = [new URL(url), copy].map(({ pathname }) => pathname.slice(1))
    await sql.unsafe(`drop database ${to}`)
    await sql.unsafe(`create database ${to} template ${from}`)
    await sql.end()
    await restored(copy.href, shared, await at(url, ['4', '5']))
  })

  test('is another one when the rows are put back to an earlier state', async () => {
    const url = await freshDatabase()
    const shared = await at(url, ['1', '2', '3'])
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    for (const table of TABLES) {
      await sql.unsafe(`create table ${table}_backup as select * from taskport.${table}`)
    }
    const lost = await at(url, ['4', '5'])
    for (const table of TABLES) {
      await sql.unsafe(`truncate taskport.${table}`)
      await sql.unsafe(`insert into taskport.${table} select * from ${table}_backup`)
    }
    await sql.end()
    await restored(url, shared, lost)
  })

  test('of a task stays that of its last change, and no version names two states', async () => {
    const url = await freshDatabase()
    const shared = await at(url, ['1', '2'])
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    for (const table of TABLES) {
      await sql.unsafe(`create table ${table}_backup as select * from taskport.${table}`)
    }
    await at(url, ['3, lost'])
    for (const table of TABLES) {
      await sql.unsafe(`truncate taskport.${table}`)
      await sql.unsafe(`insert into taskport.${table} select * from ${table}_backup`)
    }
    await sql.end()
    await at(url, ['3, other'])
    const { tasks, close } = await openPostgres(url)
    const list = await tasks.list('alice', taskQuery({ order: 'asc' }), WHOLE)
    const versions = await Promise.all(
      list.tasks.value().map(async ({ id }) => (await tasks.get('alice', id))?.version),
    )
    expect(versions.map((version) => version?.revision)).toEqual([1, 2, 3])
    const [one, two, three] = versions.map((version) => version?.timeline)
    expect([one, two]).toEqual([shared.timeline ?? '', shared.timeline ?? ''])
    expect(three).not.toBe(one)
    expect(list.version).toEqual({ revision: 3, timeline: three ?? '' })
    await close()
  })
})
