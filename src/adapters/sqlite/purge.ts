import type { Database } from 'bun:sqlite'
import type { Instant } from '../../domain/due-date.ts'
import type { Revision, UserId } from '../../domain/task.ts'

/** Forgets at most `limit` rows of each kind in one transaction; answers how many. */
export const purger = (db: Database) => {
  const deletions = db.query<{ user_id: UserId; revision: Revision }, [string, number]>(`
    delete from deletions where (user_id, revision) in (
      select user_id, revision from deletions where deleted_at < ? limit ?)
    returning user_id, revision`)
  const note = db.query('update users set purged = max(purged, ?) where id = ?')
  const receipts = db.query(`
    delete from receipts where (user_id, key) in (
      select user_id, key from receipts where stored_at < ? limit ?)`)

  return db.transaction((deletionsBefore: Instant, receiptsBefore: Instant, limit: number) => {
    const forgotten = deletions.all(deletionsBefore, limit)
    for (const { user_id, revision } of forgotten) note.run(revision, user_id)
    const { changes: expired } = receipts.run(receiptsBefore, limit)
    return forgotten.length + expired
  }).immediate
}
