import type { Query } from './client.ts'
import type { Sharding } from './distribute.ts'

/** What is lost while a setting of the server is off. */
const LOSSES: Readonly<Record<string, string>> = {
  fsync:
    'a power cut or a crash of its operating system can lose acknowledged writes and damage the whole database',
  full_page_writes: 'a power cut or a crash of its operating system can damage the whole database',
  synchronous_commit: 'a crash of the server can lose the last acknowledged writes',
}

const NAMES = Object.keys(LOSSES)
  .map((name) => `'${name}'`)
  .join()

const SETTINGS = `select name from pg_settings where name in (${NAMES}) and setting = 'off'`

/** Of all nodes that can be reached. */
const CITUS_SETTINGS = `
  select distinct name from run_command_on_all_nodes($$
      select string_agg(name, ',') from (${SETTINGS}) as settings $$) as node,
    unnest(string_to_array(node.result, ',')) as name
  where node.success and name <> ''`

/** A sentence for each setting that puts acknowledged writes at risk; none while a node is silent. */
export const durabilityWarnings = async (query: Query, sharding: Sharding): Promise<string[]> => {
  const rows =
    sharding === 'none'
      ? await query<{ name: string }>(SETTINGS, [])
      : await query<{ name: string }>(CITUS_SETTINGS, [], 'all').catch(() => [])
  return rows.map(
    ({ name }) => `The database server runs with ${name} = off: ${LOSSES[name]}. Set it to on.`,
  )
}
