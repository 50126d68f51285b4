import type { Query } from './client.ts'

/** What is lost while a setting of the server is off. */
const LOSSES: Readonly<Record<string, string>> = {
  fsync:
    'a power cut or a crash of its operating system can lose acknowledged writes and damage the whole database',
  full_page_writes: 'a power cut or a crash of its operating system can damage the whole database',
  synchronous_commit: 'a crash of the server can lose the last acknowledged writes',
}

/** A sentence for each setting that puts acknowledged writes at risk. */
export const durabilityWarnings = async (query: Query): Promise<string[]> => {
  const names = Object.keys(LOSSES).map((name) => `'${name}'`)
  const rows = await query<{ name: string }>(
    `select name from pg_settings where name in (${names.join()}) and setting = 'off'`,
    [],
  )
  return rows.map(
    ({ name }) => `The database server runs with ${name} = off: ${LOSSES[name]}. Set it to on.`,
  )
}
