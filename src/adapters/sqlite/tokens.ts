import type { Database } from 'bun:sqlite'
import type { TokenStore } from '../../application/ports.ts'
import { type TokenRow, tokenDocument, tokenOf } from '../../application/tokens/document.ts'
import { accountDeleted } from '../../domain/access.ts'
import type { Instant } from '../../domain/due-date.ts'
import { attempt } from './attempt.ts'
import type { GroupCommit } from './group-commit.ts'

const COLUMNS = 'hash, user_id, id, last_used_at, document'

export const tokens = (db: Database, together: GroupCommit): TokenStore => {
  const selectOwner = db.query<{ deleted: number }, [string]>(
    'select deleted_at is not null as deleted from users where id = ?',
  )
  const count = db.query<{ count: number }, [string]>(
    'select count(*) as count from tokens where user_id = ?',
  )
  const insert = db.query(`insert into tokens (${COLUMNS}) values (?, ?, ?, ?, ?)`)
  const selectAll = db.query<TokenRow, [string]>(
    `select ${COLUMNS} from tokens where user_id = ? order by id`,
  )
  const remove = db.query('delete from tokens where user_id = ? and id = ?')
  const select = db.query<TokenRow, [string]>(`select ${COLUMNS} from tokens where hash = ?`)
  const noteUse = db.query<unknown, [hash: string, at: Instant]>(
    "update tokens set last_used_at = ?2 where hash = ?1 and coalesce(last_used_at, '') < ?2",
  )

  return {
    create: (token, most) =>
      attempt(() =>
        together(() => {
          const { hash, user_id, id, last_used_at } = token
          if (selectOwner.get(user_id)?.deleted) throw accountDeleted()
          if ((count.get(user_id)?.count ?? 0) >= most) return 'limit'
          insert.run(hash, user_id, id, last_used_at, tokenDocument(token))
          return 'created'
        }),
      ),
    list: (owner) => attempt(() => selectAll.all(owner).map(tokenOf)),
    remove: (owner, id) => attempt(() => together(() => remove.run(owner, id).changes > 0)),
    find: (hash) =>
      attempt(() => {
        const row = select.get(hash)
        return row ? tokenOf(row) : undefined
      }),
    noteUses: (uses) =>
      attempt(() =>
        together(() => {
          for (const { hash, at } of uses) noteUse.run(hash, at)
        }),
      ),
  }
}
