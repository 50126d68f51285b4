import type { TransactionSql } from 'postgres'

/** Comments and white space do not count. */
export const digestOf = (script: string): string => {
  const plain = script.replace(/--.*$/gm, '').replace(/\s+/g, ' ').trim()
  return new Bun.CryptoHasher('sha256').update(plain).digest('hex')
}

/**
 * The first applied migration that is another one here; undefined if there is none. Those of before
 * there were digests are taken for what they should be.
 */
export const differingMigration = async (
  sql: TransactionSql,
  digests: readonly string[],
): Promise<number | undefined> => {
  await sql`alter table taskport.migrations add column if not exists digest text`
  const applied = await sql<{ version: number; digest: string | null }[]>`
    select version, digest from taskport.migrations order by version`
  for (const { version, digest } of applied) {
    const expected = digests[version - 1] ?? ''
    if (digest === null) {
      await sql`
        update taskport.migrations set digest = ${expected}::text where version = ${version}::integer`
    } else if (digest !== expected) return version
  }
  return undefined
}
