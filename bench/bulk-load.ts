import type { Database } from 'bun:sqlite'
import type { Sql } from 'postgres'

/** What PostgreSQL and SQLite write differently, where rows are made of the numbers from 0. */
export type Dialect = Readonly<{
  schema: 'taskport.' | ''
  /** Rows with a number `n`. */
  numbers: (count: number) => string
  /** The id of the number `n` as text: ids ascend with it. */
  id: string
  /** A column `id` of text as the type of its table. */
  idColumn: string
}>

export const POSTGRES: Dialect = {
  schema: 'taskport.',
  numbers: (count) => `select n from generate_series(0, ${count - 1}) as n`,
  id: `lpad(to_hex(n >> 16), 8, '0') || '-' || lpad(to_hex(n & 65535), 4, '0') || '-7000-8000-000000000000'`,
  idColumn: 'id::uuid',
}

export const SQLITE: Dialect = {
  schema: '',
  numbers: (count) => `
    with recursive numbers (n) as (
      select 0 union all select n + 1 from numbers where n < ${count - 1})
    select n from numbers`,
  id: `printf('%08x-%04x-7000-8000-000000000000', n >> 16, n & 65535)`,
  idColumn: 'id',
}

/** The id that both make of a number. */
export const idOf = (number: number): string => {
  const digits = number.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`
}

/** Loads tables while they have no keys and no indexes, which are made again afterwards. */
export const bulkLoadPostgres = async (
  sql: Sql,
  tables: readonly string[],
  load: () => Promise<void>,
): Promise<void> => {
  const names = tables.map((table) => `taskport.${table}`).join()
  const indexes = await sql`
    with tables as (select unnest(string_to_array(${names}, ',')::regclass[]) as oid)
    select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
      format('alter table %s add %s', conrelid::regclass, pg_get_constraintdef(c.oid)) as make
    from pg_constraint as c join tables as t on conrelid = t.oid where contype = 'p'
    union all
    select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    from pg_index join tables as t on indrelid = t.oid where not indisprimary`
  for (const { drop } of indexes) await sql.unsafe(drop)
  await load()
  await sql.unsafe(`set maintenance_work_mem = '1GB'`)
  for (const { make } of indexes) await sql.unsafe(make)
  await sql.unsafe('vacuum analyze')
}

/** As `bulkLoadPostgres`; the primary keys, which are the tables, stay. Nothing survives a crash. */
export const bulkLoadSqlite = (db: Database, load: () => void): void => {
  db.run('pragma journal_mode = off')
  db.run('pragma cache_size = -1000000')
  const indexes = db
    .query<{ name: string; sql: string }, []>(
      `select name, sql from sqlite_master where type = 'index' and sql is not null`,
    )
    .all()
  for (const { name } of indexes) db.run(`drop index ${name}`)
  load()
  for (const { sql } of indexes) db.run(sql)
  db.run('analyze')
}
