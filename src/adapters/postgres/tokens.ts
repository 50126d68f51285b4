import type { TokenStore } from '../../application/ports.ts'
import { type TokenRow, tokenDocument, tokenOf } from '../../application/tokens/document.ts'
import { accountDeleted } from '../../domain/access.ts'
import { parseTaskId } from '../../domain/task.ts'
import type { Token } from '../../domain/token.ts'
import type { Query } from './client.ts'
import type { Grouping } from './group-commit.ts'

export const tokens = (query: Query, grouping: Grouping): TokenStore => ({
  create: async (token, most) => {
    const { user_id, hash, id } = token
    const [row] = await query<{ status: 'created' | 'limit' | 'account-deleted' }>(CREATE, [
      user_id,
      String(most),
      hash,
      id,
      tokenDocument(token),
    ])
    if (!row) throw new Error('A function returned no row.')
    if (row.status === 'account-deleted') throw accountDeleted()
    return row.status
  },

  list: async (owner) => (await query<TokenRow>(LIST, [owner], 'coordinator')).map(tokenOf),

  remove: async (owner, id) =>
    parseTaskId(id) !== undefined && (await query(REMOVE, [owner, id], 'coordinator')).length > 0,

  find: groupLookUps(query, grouping),

  noteUses: async (uses) => void (await query(NOTE_USES, [JSON.stringify(uses)], 'coordinator')),
})

const groupLookUps = (query: Query, grouping: Grouping): TokenStore['find'] => {
  const find = grouping<string, { token: Token | undefined }>({
    alone: async (hash) => {
      const [row] = await query<TokenRow>(FIND, [hash], 'coordinator')
      return { token: row && tokenOf(row) }
    },
    together: async (hashes) => {
      const rows = await query<TokenRow>(FIND_TOGETHER, [hashes.join()], 'coordinator')
      const found = new Map(rows.map((row) => [row.hash, tokenOf(row)]))
      return hashes.map((hash) => ({ token: found.get(hash) }))
    },
  })
  return async (hash) => (await find(hash)).token
}

const CREATE = `
  select taskport.create_token($1::text, $2::text::integer, $3::text, $4::text::uuid, $5::text)
    as status`
const COLUMNS = 'hash, user_id, id, last_used_at, document'
const LIST = `select ${COLUMNS} from taskport.tokens where user_id = $1::text order by id`
const REMOVE = `
  delete from taskport.tokens where user_id = $1::text and id = $2::text::uuid returning id`
const FIND = `select ${COLUMNS} from taskport.tokens where hash = $1::text`
const FIND_TOGETHER = `
  select ${COLUMNS} from taskport.tokens where hash = any(string_to_array($1::text, ','))`

/** Skips locked rows: the holder of the lock is noting the same minute, or revoking the token. */
const NOTE_USES = `
  with used as (
    select t.hash, w.at from json_to_recordset($1::text::json) as w (hash text, at text)
    join taskport.tokens as t on t.hash = w.hash and coalesce(t.last_used_at, '') < w.at
    for update of t skip locked
  )
  update taskport.tokens as t set last_used_at = used.at from used where t.hash = used.hash`
