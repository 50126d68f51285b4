import type { TransactionSql } from 'postgres'
import { UnusableDatabaseError } from './unusable.ts'

/** `citus` spreads the users over the nodes of a cluster. */
export type Sharding = 'none' | 'citus'

/** Their columns with the user. Rows of one user are on one node. */
const TABLES = [
  ['users', 'id'],
  ['tasks', 'user_id'],
  ['changes', 'user_id'],
  ['idempotency_records', 'user_id'],
  ['webhooks', 'user_id'],
] as const

/** Moves what is still on the coordinator; does nothing when there is nothing left to move. */
export const distribute = async (sql: TransactionSql, sharding: Sharding): Promise<void> => {
  const distributed = await distributedTables(sql)
  if (sharding === 'none') {
    if (!distributed || distributed.size === 0) return
    throw new UnusableDatabaseError(
      'The tables of the database are distributed with Citus. Set DATABASE_SHARDING=citus.',
    )
  }
  if (!distributed) {
    throw new UnusableDatabaseError(
      'DATABASE_SHARDING is citus, but the database has no Citus. Have a superuser add ' +
        "shared_preload_libraries = 'citus' to the settings of every node, restart them and run " +
        'create extension citus; in this database on every node.',
    )
  }
  await sql`set local citus.multi_shard_modify_mode = 'sequential'`
  for (const [table, column] of TABLES) {
    if (!distributed.has(table)) await distributeTable(sql, table, column)
  }
  await distributeFunctions(sql)
}

/** Undefined without the extension. */
const distributedTables = async (sql: TransactionSql): Promise<Set<string> | undefined> => {
  const [extension] = await sql`select from pg_extension where extname = 'citus'`
  if (!extension) return undefined
  const tables = await sql<{ name: string }[]>`
    select c.relname as name from pg_dist_partition as p join pg_class as c on c.oid = p.logicalrelid
    where p.partmethod = 'h' and c.relnamespace = 'taskport'::regnamespace`
  return new Set(tables.map(({ name }) => name))
}

const distributeTable = async (
  sql: TransactionSql,
  table: string,
  column: string,
): Promise<void> => {
  const colocation = table === 'users' ? 'none' : 'taskport.users'
  await sql`
    select create_distributed_table(${`taskport.${table}`}::text::regclass, ${column}::text,
      colocate_with => ${colocation}::text)`
  await sql`
    select truncate_local_data_after_distributing_table(${`taskport.${table}`}::text::regclass)`
}

/** Calls of the functions are then delegated as a whole to the node that has the owner's rows. */
const distributeFunctions = (sql: TransactionSql) => sql`
  select create_distributed_function(p.oid::regprocedure, 'p_owner', colocate_with => 'taskport.users')
  from pg_proc as p
  where p.pronamespace = 'taskport'::regnamespace and p.proargnames[1] = 'p_owner' and not exists (
    select from pg_dist_object as o
    where o.classid = 'pg_proc'::regclass and o.objid = p.oid
      and o.distribution_argument_index is not null)`
